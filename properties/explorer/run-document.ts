/**
 * One run of a document with everything watched that a search needs, and nothing recorded. Must
 * hold: what is watched, how often the world is snapshotted, and the process it runs in change
 * nothing about the run; the audit checks just that.
 */
import {
  captureWorld,
  hashHex,
  type Notice,
  restoreWorld,
  type Steer,
  type World,
} from "../../core/kernel/index.ts";
import { RunSummary } from "../../traces/index.ts";
import {
  checkExpectations,
  createBuilder,
  type ReadyScenario,
  type ResolvedScenario,
} from "../../scenarios/index.ts";
import { Coverage } from "./coverage.ts";

/** A broken invariant, and where the search puts it. */
export interface FoundViolation {
  readonly invariant: string;
  readonly mechanism: string;
  readonly phase: string;
  readonly message: string;
  readonly entities: readonly string[];
  readonly event: number;
  readonly atNs: number;
}

export interface RunRecord {
  readonly root: string;
  readonly events: number;
  readonly simulatedNs: number;
  readonly draws: number;
  readonly durableSteps: number;
  readonly cells: readonly string[];
  readonly reached: readonly string[];
  readonly unreached: readonly string[];
  readonly violations: readonly FoundViolation[];
  readonly coverage: Coverage;
}

export interface RunOptions {
  readonly steer?: Steer;
  /** Snapshot and restore in place after every so many events. */
  readonly snapshotEvery?: number;
  /** Runs that go on longer count as endless. */
  readonly mostEvents?: number;
  /** Sees every notice in its event. */
  readonly watch?: (notice: Notice, world: World) => void;
  /** Sees the world when the run has ended. */
  readonly onEnd?: (world: World) => void;
}

/** More events than any scenario for searches has: what goes on longer goes in circles. */
const MOST_EVENTS = 2_000_000;

export const ENDLESS = "a run comes to an end";

export function runDocument(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  options: RunOptions = {},
): RunRecord {
  const { steer, snapshotEvery, mostEvents = MOST_EVENTS, watch, onEnd } = options;
  const { inputs, own, images = [] } = scenario;
  const builder = createBuilder(document, inputs, own, images);
  const world = builder.build({ seed: document.seed, ...(steer && { steer }) });
  const coverage = new Coverage();
  const violations: FoundViolation[] = [];
  const summary = new RunSummary();
  world.hooks.onNotice = (notice) => {
    if (document.expect.length > 0) {
      summary.add([notice.event, notice.timeNs, notice.entity, notice.kind, notice.data]);
    }
    watch?.(notice, world);
    if (notice.kind !== "violation") return coverage.note(notice);
    const { invariant, mechanism, message, entities, event, atNs } =
      notice.data as unknown as FoundViolation;
    const phase = coverage.placeOf(mechanism);
    violations.push({ invariant, mechanism, phase, message, entities, event, atNs });
  };
  const untilNs = builder.durationNs;
  if (snapshotEvery === undefined) world.run({ untilNs, untilEvent: mostEvents });
  else runWithSnapshots(world, untilNs, snapshotEvery);
  if (world.eventCount >= mostEvents) reportEndless(world, mostEvents);
  world.finish();
  if (document.expect.length > 0) checkExpectations(world, document, summary);
  onEnd?.(world);
  return {
    root: hashHex(world.root()),
    events: world.eventCount,
    simulatedNs: world.timeNs,
    draws: world.gate.counts().draws,
    durableSteps: world.durableSteps,
    cells: [...coverage.cells],
    reached: Object.keys(world.checker.reached),
    unreached: world.checker.unreached,
    violations,
    coverage,
  };
}

function runWithSnapshots(world: World, untilNs: number, every: number): void {
  for (let at = every; at < MOST_EVENTS; at += every) {
    if (world.run({ untilNs, untilEvent: at }) !== "event") return;
    restoreWorld(world, captureWorld(world));
    world.queue.rebuildIndex();
  }
}

function reportEndless(world: World, events: number): void {
  const message = `went on after ${events.toLocaleString("en")} events`;
  world.checker.report({ name: ENDLESS, mechanism: "kernel" }, world.named("driver"), { message });
}
