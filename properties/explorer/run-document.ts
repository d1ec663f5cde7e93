/**
 * One run of a document with everything watched that a search needs, and nothing recorded. Must
 * hold: what is watched, how often the world is snapshotted, and the process it runs in change
 * nothing about the run; the audit checks just that.
 */
import {
  assert,
  captureWorld,
  hashHex,
  type Notice,
  type Steer,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { RunSummary } from "../../traces/index.ts";
import {
  checkExpectations,
  createBuilder,
  type ReadyScenario,
  type ResolvedScenario,
} from "../../scenarios/index.ts";
import { Coverage, outcomeName, TELLING } from "./coverage.ts";

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

/** A moment of a run from which it can go on otherwise. */
export interface KeptMoment {
  readonly event: number;
  readonly image: WorldImage;
  readonly coverage: Coverage;
}

export interface RunRecord {
  /** Taken when asked for; the world must be as the run left it. */
  readonly root: string;
  readonly events: number;
  readonly simulatedNs: number;
  readonly draws: number;
  readonly durableSteps: number;
  readonly cells: readonly string[];
  /** Kind and outcome of each entry of the timeline that began. */
  readonly outcomes: readonly string[];
  /** With the event in which each was first. */
  readonly reached: { readonly [state: string]: number };
  readonly unreached: readonly string[];
  readonly violations: readonly FoundViolation[];
  readonly coverage: Coverage;
  /** The first of them, in order; none unless asked for. */
  readonly kept: readonly KeptMoment[];
}

export interface RunOptions {
  readonly steer?: Steer;
  /** Stops after every so many events, for something that must not matter. */
  readonly pauses?: { readonly every: number; readonly then: (world: World) => void };
  /** Told that the run goes on, every so many events: somebody may take silence for its end. */
  readonly alive?: Alive;
  /** Keep the run as it is after every so many events. */
  readonly keepEvery?: number;
  /** Runs that go on longer count as endless. */
  readonly mostEvents?: number;
  /** Sees every notice in its event. */
  readonly watch?: (notice: Notice, world: World) => void;
  /** Sees the world when the run has ended. */
  readonly onEnd?: (world: World) => void;
}

export interface Alive {
  readonly every: number;
  readonly tell: () => void;
}

/** More events than any scenario for searches has: what goes on longer goes in circles. */
const MOST_EVENTS = 2_000_000;

const NOBODY: Alive = { every: Infinity, tell: () => undefined };

const NO_PAUSES: NonNullable<RunOptions["pauses"]> = { every: Infinity, then: () => undefined };

/** Of a run that goes on and on only the beginning is kept. */
const MOST_KEPT = 512;

/** What a run is told of by whom it is enough to know what it covered and broke. */
const HEARD: ReadonlySet<string> = new Set([...TELLING, "violation"]);

export const ENDLESS = "a run comes to an end";

export function runDocument(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  options: RunOptions = {},
): RunRecord {
  return new DocumentRun(scenario, document, options).complete();
}

/** A run that is under way: to be completed, or to be looked at in the middle. */
export class DocumentRun {
  readonly world: World;
  readonly untilNs: number;
  coverage = new Coverage();
  violations: FoundViolation[] = [];
  readonly #document: ResolvedScenario;
  readonly #options: RunOptions;
  readonly #summary = new RunSummary();
  /** Nothing comes any more, or a handler threw: what it left half done is not gone on from. */
  #isOver = false;

  constructor(scenario: ReadyScenario, document: ResolvedScenario, options: RunOptions = {}) {
    const { inputs, own, images } = scenario;
    const { steer, watch } = options;
    const builder = createBuilder(document, inputs, own, images);
    this.world = builder.build({ seed: document.seed, ...(steer && { steer }) });
    this.untilNs = builder.durationNs;
    this.#document = document;
    this.#options = options;
    const isExpecting = document.expect.length > 0;
    // Who expects nothing of metrics, and looks at none, need not pay for them.
    this.world.isMeasuring = isExpecting || this.world.checker.observesNotice("metric");
    if (!isExpecting && watch === undefined) this.world.hooks.heard = HEARD;
    this.world.hooks.onNotice = (notice) => {
      if (isExpecting) {
        this.#summary.add([notice.event, notice.timeNs, notice.entity, notice.kind, notice.data]);
      }
      watch?.(notice, this.world);
      if (notice.kind !== "violation") return this.coverage.note(notice);
      const { invariant, mechanism, message, entities, event, atNs } =
        notice.data as unknown as FoundViolation;
      const phase = this.coverage.placeOf(mechanism);
      this.violations.push({ invariant, mechanism, phase, message, entities, event, atNs });
    };
  }

  complete(): RunRecord {
    const { world } = this;
    const { pauses = NO_PAUSES, keepEvery, mostEvents = MOST_EVENTS, onEnd } = this.#options;
    const kept = keepEvery === undefined ? [] : this.#keep(keepEvery);
    for (let at = pauses.every; ; at += pauses.every) {
      if (!this.#goOn(Math.min(at, mostEvents)) || at >= mostEvents) break;
      pauses.then(world);
    }
    if (world.eventCount >= mostEvents) reportEndless(world, mostEvents);
    world.finish();
    const isExpecting = this.#document.expect.length > 0;
    if (isExpecting) checkExpectations(world, this.#document, this.#summary);
    onEnd?.(world);
    return this.record(kept);
  }

  /** What the run came to, as far as it is. */
  record(kept: readonly KeptMoment[] = []): RunRecord {
    const { world, coverage, violations } = this;
    const events = world.eventCount;
    return {
      get root() {
        assert(world.eventCount === events, "the root of a run is asked for before it goes on");
        return hashHex(world.root());
      },
      events,
      simulatedNs: world.timeNs,
      draws: world.gate.counts().draws,
      durableSteps: world.durableSteps,
      cells: [...coverage.cells.keys()],
      outcomes: this.#document.timeline.flatMap(({ id, do: kind }) => {
        const outcome = coverage.outcomeOf(id);
        return outcome === undefined ? [] : [outcomeName(kind, outcome)];
      }),
      reached: world.checker.reached,
      unreached: world.checker.unreached,
      violations,
      coverage,
      kept,
    };
  }

  /** The run as it is now. */
  moment(): KeptMoment {
    const { world, coverage } = this;
    return { event: world.eventCount, image: captureWorld(world), coverage: coverage.copy() };
  }

  /** Runs to the end, or until enough is kept. */
  #keep(every: number): readonly KeptMoment[] {
    const { world, violations } = this;
    const kept: KeptMoment[] = [];
    while (kept.length < MOST_KEPT && violations.length === 0) {
      kept.push(this.moment());
      if (!this.#goOn(world.eventCount + every)) break;
    }
    return kept;
  }

  /** Up to an event; false when the run is over. */
  #goOn(untilEvent: number): boolean {
    const { world, untilNs } = this;
    const { every, tell } = this.#options.alive ?? NOBODY;
    while (!this.#isOver && world.eventCount < untilEvent) {
      const toTell = (Math.floor(world.eventCount / every) + 1) * every;
      const next = Math.min(untilEvent, toTell);
      this.#isOver = world.run({ untilNs, untilEvent: next }) !== "event";
      if (next === toTell && !this.#isOver) tell();
    }
    return !this.#isOver;
  }
}

function reportEndless(world: World, events: number): void {
  const message = `went on after ${events.toLocaleString("en")} events`;
  world.checker.report({ name: ENDLESS, mechanism: "kernel" }, world.named("driver"), { message });
}
