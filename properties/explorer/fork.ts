/**
 * Forks: a run is taken to shortly before a state that few runs reach, and from there goes on more
 * than once, each time with other choices. What a fork adds lies behind that moment, so its document
 * run from the beginning is the same run to the bit; the audit checks just that.
 */
import { restoreWorld, type World } from "../../core/kernel/index.ts";
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed } from "../arbitraries/chooser.ts";
import { drawFault, type Ground, strikingAt } from "../arbitraries/entries.ts";
import { type Features, withFault } from "../arbitraries/variants.ts";
import { isDelay } from "./pilot.ts";
import { DocumentRun, type KeptMoment, type RunOptions, type RunRecord } from "./run-document.ts";

/** A moment of a run from which others go on. */
export interface ForkPoint extends KeptMoment {
  readonly document: ResolvedScenario;
  readonly steps: number;
  /** Draws made so far from streams that delay something. */
  readonly delays: readonly Delay[];
}

interface Delay {
  readonly entity: string;
  readonly purpose: string;
  readonly draws: number;
}

/** In nanoseconds: from what others just overtake up to what looks like a failure. */
const SHORTEST_DELAY_NS = 50_000;
const LONGEST_DELAY_NS = 60_000_000;
/** Draws, and durable steps, from the moment on among which one is chosen. */
const SOON = 12;

/**
 * The document's run after so many events, from the last moment before that was kept; undefined
 * when there is nothing to fork there.
 */
export function forkPoint(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  kept: KeptMoment,
  event: number,
): ForkPoint | undefined {
  const run = new DocumentRun(scenario, document);
  const { world, untilNs } = run;
  restoreWorld(world, kept.image);
  run.coverage = kept.coverage.copy();
  if (event > kept.event) world.run({ untilNs, untilEvent: event });
  // The roots of epochs that have ended hold the document as it was.
  const isTooLate = world.eventCount < event || world.scalars().epochIndex > 0;
  if (isTooLate || run.violations.length > 0) return undefined;
  const { durableSteps: steps } = world;
  return { ...run.moment(), document, steps, delays: delaysOf(world) };
}

function delaysOf({ gate }: World): readonly Delay[] {
  const counts = gate.streamDraws();
  const streams = counts.map((draws, index) => ({ ...gate.streamName(index), draws }));
  return streams.filter(({ purpose, draws }) => draws > 0 && isDelay(purpose));
}

/** The document of a fork: delays of what comes next, or a fault at one of the next steps. */
export function drawFork(
  chooser: Chooser,
  point: ForkPoint,
  { faults }: Features,
  ground: Ground,
): ResolvedScenario {
  const { document, steps } = point;
  // Steps are told to the driver only where a fault waits for one: else the past would differ.
  const waits = document.faults.some(({ atStep }) => atStep !== undefined);
  if (waits && faults.length > 0 && chance(chooser, 50)) {
    const fault = drawFault(chooser, oneOf(chooser, faults), document, ground);
    if (fault !== undefined) {
      return withFault(document, strikingAt(fault, steps + between(chooser, 1, SOON)));
    }
  }
  const { choices = [] } = document;
  const more = Array.from({ length: between(chooser, 1, 2) }, () => drawDelay(chooser, point));
  const all = new Map([...more.filter((each) => each !== undefined), ...choices].map(keyed));
  return { ...document, choices: [...all.values()] };
}

type Choice = NonNullable<ResolvedScenario["choices"]>[number];

const keyed = (choice: Choice): readonly [string, Choice] => [
  `${choice.entity}\n${choice.purpose}\n${choice.at}`,
  choice,
];

function drawDelay(chooser: Chooser, { delays }: ForkPoint): Choice | undefined {
  if (delays.length === 0) return undefined;
  const { entity, purpose, draws } = oneOf(chooser, delays);
  const at = draws + chooser.below(SOON);
  return { entity, purpose, at, result: skewed(chooser, SHORTEST_DELAY_NS, LONGEST_DELAY_NS) };
}

/** Goes on from the moment as the document says, which differs from the one before only later on. */
export function runFork(
  scenario: ReadyScenario,
  point: ForkPoint,
  document: ResolvedScenario,
  options: RunOptions = {},
): RunRecord {
  const run = new DocumentRun(scenario, document, options);
  const { world } = run;
  const driver = world.named("driver");
  const records = world.registry.entityRecords;
  const record = records.get(driver.id)!;
  restoreWorld(world, point.image);
  // The driver plays this document from here on.
  records.set(driver.id, record);
  run.coverage = point.coverage.copy();
  return run.complete();
}
