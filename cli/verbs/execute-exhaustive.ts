/** Executes `orrery explore --strategy exhaustive`: every choice of a small document. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Exhaustive,
  EXHAUSTIVE_FORMAT,
  type ExhaustiveState,
  exhaust,
  exhaustiveResult,
} from "../../properties/index.ts";
import type { ReadyScenario } from "../../scenarios/index.ts";
import { codeVersion } from "../../traces/index.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { ExploreFlags } from "./explore.ts";
import { saveAndReport } from "./explore-report.ts";

/** Runs after which it is cut, unless told. */
const MOST_RUNS = 1_000_000;

export async function executeExhaustive(
  context: Context,
  scenario: ReadyScenario,
  flags: ExploreFlags,
): Promise<ExitCode> {
  const { document } = scenario;
  if (document.faults.length === 0) {
    return context.usage(
      "exhaustive: the scenario names no fault (expected some in faults: each is tried at every " +
        "durable step; scenarios/small-scope.ts is an example)",
    );
  }
  if (flags.shard !== undefined || flags.audit === true) {
    return context.usage("exhaustive: takes neither --shard nor --audit");
  }
  if (flags.resume === true && flags.out === undefined) {
    return context.usage("--resume: expected the folder of the search that was cut (-o)");
  }
  const from = flags.resume === true ? await readState(flags.out!, scenario) : undefined;
  if (typeof from === "string") return context.usage(`--resume: ${from}`);
  const startedMs = performance.now();
  const passedMs = (): number => performance.now() - startedMs;
  const begunAt = from?.done ?? 0;
  const found = await exhaust(scenario, document, {
    mostRuns: flags.runs ?? MOST_RUNS,
    isStopped: () => context.signal.aborted || passedMs() > (flags.for ?? Infinity),
    onProgress: (soFar) =>
      context.progress.update(`${lineOf(soFar)}; ${leftOf(soFar.done, begunAt, passedMs())}`),
    onState: (state) => flags.out !== undefined && writeState(flags.out, state),
    ...(from && { from }),
    ...(flags.findings !== undefined && { findings: flags.findings }),
  });
  const { tally, ...exhaustive } = found;
  context.print(lineOf(found));
  const wallMs = Math.round(passedMs());
  const result = exhaustiveResult(scenario, tally);
  return saveAndReport(context, scenario, result, { wallMs, lostWorkers: 0, workers: 1 }, flags, {
    exhaustive,
  });
}

const stateFile = (folder: string): string => join(folder, "exhaustive.json");

/** A string: why there is nothing to go on from. */
async function readState(
  folder: string,
  { hash }: ReadyScenario,
): Promise<ExhaustiveState | string> {
  const file = stateFile(folder);
  try {
    const state = JSON.parse(await readFile(file, "utf8")) as ExhaustiveState;
    if (state?.format !== EXHAUSTIVE_FORMAT) return `${file} is not a search that was cut`;
    if (state.scenarioHash !== hash) return `${file} is of another scenario`;
    return state.codeVersion === codeVersion() ? state : `${file} is of another version`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** As a whole or not at all: the search may be killed while it writes. */
function writeState(folder: string, state: ExhaustiveState): void {
  const file = stateFile(folder);
  mkdirSync(folder, { recursive: true });
  if (state.open.length === 0) return rmSync(file, { force: true });
  writeFileSync(`${file}.tmp`, `${JSON.stringify(state)}\n`);
  renameSync(`${file}.tmp`, file);
}

const count = (value: number, what: string): string => `${value.toLocaleString("en")} ${what}`;

function lineOf({ states, merged, tally, behaviours, open, isComplete }: Exhaustive): string {
  const runs = `${count(tally.runs, "runs")}, ${merged.toLocaleString("en")} merged into others`;
  if (isComplete && behaviours > 0) {
    return `complete: all ${count(behaviours, "behaviours")} of the scope; ${count(states, "states")}, ${runs}`;
  }
  return `not complete: ${count(open, "choices open")}; ${count(states, "states")}, ${runs}`;
}

/** The part that is done, and how long the rest takes if it goes on like this. */
function leftOf(done: number, before: number, passedMs: number): string {
  const percent = `about ${Math.floor(done * 100)} %`;
  if (done - before < 0.001) return percent;
  const minutes = ((passedMs / (done - before)) * (1 - done)) / 60_000;
  return `${percent}, ${minutes < 1 ? "less than a minute" : `${Math.round(minutes)} min`} left`;
}
