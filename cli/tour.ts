/**
 * `npm start`: the tour. Runs the scenario and records it, replays it from its log, goes back to the
 * moment before the crash, and writes the report. Each step is an ordinary verb; what is printed
 * between them says what it shows.
 */
import pc from "picocolors";
import { viewPath, type World } from "../core/kernel/index.ts";
import { openRecordedRun } from "../scenarios/index.ts";
import { Timeline } from "../traces/index.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { watchInterrupts } from "./interrupts.ts";
import { main, processTerminal } from "./main.ts";
import { formatTime } from "./time.ts";

const SCENARIO = "scenarios/tour.ts";
const TRACE = "tour-7.orrery";
const REPORT = "tour-7.html";
const LOST_HOST = "alpha";

const terminal = processTerminal();
const signal = watchInterrupts(terminal);

const orrery = (...argv: readonly string[]): Promise<ExitCode> => main(argv, { terminal, signal });

const steps: readonly (readonly [string, () => Promise<ExitCode>])[] = [
  ["Run and record: orrery run scenarios/tour.ts", () => orrery("run", SCENARIO, "--out", TRACE)],
  ["Replay from the log, root by root: orrery replay", () => orrery("replay", TRACE)],
  ["Rewind to the moment before the crash", rewind],
  ["Report: orrery report", () => orrery("report", TRACE, "-o", REPORT)],
];

/** Backwards from the end to the last event at which the host was still in its first life. */
async function rewind(): Promise<ExitCode> {
  const opened = await openRecordedRun(TRACE);
  if (!opened.ok) return EXIT.damaged;
  const timeline = new Timeline(opened.run, opened.builder);
  timeline.seekEvent(opened.run.lastEvent);
  const startedMs = performance.now();
  const found = timeline.reverseUntil((world) => incarnation(world) === 0);
  const tookMs = performance.now() - startedMs;
  const { world } = timeline;
  if (!found) return EXIT.violation;
  print(`event ${timeline.event} of ${opened.run.lastEvent}, ${formatTime(world.timeNs)}`);
  print(`  ${LOST_HOST} is up; pages in its memory that no disk has: ${dirtyPages(world)}`);
  print(`  requests under way: ${pendingFlushes(world)} flushes; found in ${tookMs.toFixed(0)} ms`);
  timeline.step();
  print(`one event later: ${LOST_HOST} is ${world.isUp(domain(world)) ? "up" : "down"}`);
  timeline.reverseStep();
  print(`and one back: ${LOST_HOST} is ${world.isUp(domain(world)) ? "up" : "down"}`);
  print(
    pc.dim(`  look around: npx orrery inspect ${TRACE} --at '#${timeline.event}' /${LOST_HOST}`),
  );
  return EXIT.fine;
}

const domain = (world: World): number => world.registry.domainNamed(LOST_HOST)!;

const incarnation = (world: World): number => world.incarnationOf(domain(world));

/** Pages that were acknowledged and lie in page caches of the host alone. */
function dirtyPages(world: World): number {
  let pages = 0;
  for (const name of world.contents.names()) {
    if (!name.endsWith("#dirty")) continue;
    const entity = world.named(name.slice(0, name.lastIndexOf("#")));
    if (entity.domain === domain(world)) pages += world.contents.get(name)!.allocatedSectors / 8;
  }
  return Math.ceil(pages);
}

/** Flushes that virtual disks of the host have passed down and have no answer to. */
function pendingFlushes(world: World): number {
  let flushes = 0;
  for (const entity of world.entities()) {
    if (entity.kind !== "virtual-disk" || entity.domain !== domain(world)) continue;
    const viewed = viewPath(world, `/${entity.name}/volatile/flights`);
    if (!viewed.ok) continue;
    for (const flight of Object.values(viewed.value as object) as Flight[]) {
      if (flight.request.body.op === "flush") flushes++;
    }
  }
  return flushes;
}

type Flight = { readonly request: { readonly body: { readonly op: string } } };

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function tour(): Promise<ExitCode> {
  for (const [index, [title, step]] of steps.entries()) {
    print(pc.bold(`\n${index + 1}. ${title}`));
    const code = await step();
    if (code !== EXIT.fine) return code;
  }
  print(`\nThe report is ${pc.bold(REPORT)}; the trace ${TRACE} replays on any machine.`);
  return EXIT.fine;
}

process.exitCode = await tour();
