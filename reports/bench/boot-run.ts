// Boots Debian to its prompt on a simulated host, in a process of its own, and prints what it cost as
// JSON. Arguments: "idle" (all code is loaded, nothing runs), "-" (nothing is recorded) or the path of
// the trace; and how often it is booted again to be counted, when the code is compiled.
import { argv, cpuUsage, memoryUsage } from "node:process";
import type { World } from "../../core/kernel/index.ts";
import { codeVersion, createTraceFile, PAUSE_EVENTS, Recorder } from "../../traces/index.ts";
import { createBuilder, prepareDocument, type ReadyScenario } from "../../scenarios/index.ts";
import { atPrompt } from "../../scenarios/debian/index.ts";
import { shellDocument } from "./boot-scenario.ts";

interface Cost {
  readonly wallSeconds: number;
  /** Of all threads, the closing of the trace included. */
  readonly cpuSeconds: number;
}

export interface BootFigures {
  readonly promptNs: number;
  readonly root: string;
  /** Of the first boot: from power-on to the prompt, building the world included. */
  readonly toPrompt: Cost;
  /** When the first prompt came, since 1970. */
  readonly promptAtMs: number;
  /** What the process holds at the prompt of the first boot. */
  readonly residentMiB: number;
  /** Of the first trace. */
  readonly bytes: number;
  /** Of all boots behind the first, whole. */
  readonly counted: Cost;
}

/** Work between two turns of the event loop, in units of about a microsecond. */
const SLICE_WORK = 1 << 15;

const residentMiB = (): number => memoryUsage.rss() / 1_048_576;

function stopwatch(): () => Cost {
  const before = cpuUsage();
  const started = performance.now();
  return () => {
    const { user, system } = cpuUsage(before);
    const wallSeconds = (performance.now() - started) / 1_000;
    return { wallSeconds, cpuSeconds: (user + system) / 1_000_000 };
  };
}

/** Runs until the console shows a prompt; the instant at which it did. */
async function runToPrompt(world: World, untilNs: number): Promise<number> {
  const { onNotice } = world.hooks;
  const prompt = { timeNs: -1 };
  world.hooks.onNotice = (notice) => {
    onNotice?.(notice);
    if (notice.kind !== "console-output" || !atPrompt(String(notice.data["text"]))) return;
    prompt.timeNs = notice.timeNs;
    world.stop();
  };
  while (prompt.timeNs < 0) {
    const untilWork = world.extraWork + SLICE_WORK;
    const reason = world.run({ untilNs, untilWork, pauseEvery: PAUSE_EVENTS });
    if (prompt.timeNs < 0 && reason === "time") throw new Error("no prompt came");
    await new Promise((resolve) => setImmediate(resolve));
  }
  return prompt.timeNs;
}

type Boot = Omit<BootFigures, "counted">;

async function boot(scenario: ReadyScenario, path: string): Promise<Boot> {
  const { document, inputs, canonical, own } = scenario;
  const passed = stopwatch();
  const builder = createBuilder(document, inputs, own);
  const header = {
    codeVersion: codeVersion(),
    scenarioJson: canonical,
    seed: document.seed,
    epochEvents: 1 << 16,
    epochNs: 10_000_000_000,
    extra: { log: "full" },
  };
  const { vms, outputs } = builder;
  const recorder =
    path === "-"
      ? undefined
      : new Recorder({ writer: createTraceFile(path, header), vms, log: "full", outputs });
  const gate = { seed: document.seed, ...(recorder && { sink: recorder.sink }) };
  const world = builder.build(gate);
  recorder?.attach(world);
  const promptNs = await runToPrompt(world, builder.durationNs);
  const promptAtMs = performance.timeOrigin + performance.now();
  const at = { toPrompt: passed(), promptAtMs, residentMiB: residentMiB() };
  world.finish();
  const root = world.root().toString(16);
  await recorder?.close("complete", { root, events: world.eventCount, timeNs: world.timeNs });
  return { promptNs, root, ...at, bytes: recorder?.bytesWritten ?? 0 };
}

async function bootAll(path: string, again: number): Promise<BootFigures> {
  const prepared = await prepareDocument(shellDocument, "boot");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  const first = await boot(prepared.scenario, path);
  const passed = stopwatch();
  for (let time = 0; time < again; time++) await boot(prepared.scenario, path);
  return { ...first, counted: passed() };
}

const [, , path = "-", again = "0"] = argv;
const figures =
  path === "idle" ? { residentMiB: residentMiB() } : await bootAll(path, Number(again));
console.log(JSON.stringify(figures));
