/**
 * The tree of choices of a small document, one run at a time: what is chosen is part of the document
 * that the driver plays, so a run from a moment in the middle is, to the event, the run of a document
 * from the beginning.
 */
import {
  captureWorld,
  hashHex,
  type Plain,
  restoreWorld,
  type WorldImage,
} from "../../core/kernel/index.ts";
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import type { Coverage } from "./coverage.ts";
import type { ExhaustiveState, RunOfTree, StateOfTree } from "./exhaustive.ts";
import { fingerprint } from "./fingerprint.ts";
import { DocumentRun } from "./run-document.ts";
import type { Tally } from "./search.ts";
import { tallyOf } from "./tally.ts";

/** What was chosen so far. */
interface Chosen {
  /** Which of the operations begins at each of the moments: the first so many are chosen. */
  readonly order: readonly number[];
  readonly begun: number;
  /** The step at which each fault strikes; 0: not so far. */
  readonly strikes: readonly number[];
}

/** A run that is still to be made: the world before an event, and what is chosen in it. */
export interface Branch extends Chosen {
  readonly run: number;
  readonly event: number;
  /** Part of the whole tree that it is taken for. */
  readonly share: number;
  /** None: the run is made from the beginning up to the event. */
  readonly image?: WorldImage;
  readonly coverage?: Coverage;
}

interface Known {
  readonly run: number;
  readonly state: number;
  readonly timeNs: number;
}

/** No run has so many steps. */
const NEVER = 1_000_000_000;

export class ChoiceTree {
  readonly open: Branch[] = [];
  readonly runs: RunOfTree[] = [];
  merged = 0;
  done = 0;
  readonly #print: typeof fingerprint;
  readonly #base: ResolvedScenario;
  /** Places in the timeline of what begins at a moment, in the order of the moments. */
  readonly #timed: readonly number[];
  readonly #run: DocumentRun;
  /** The document that the driver of the run plays, changed as choices are made. */
  readonly #played: { timeline: Timeline; faults: Faults };
  readonly #start: WorldImage;
  readonly #startCoverage: Coverage;
  readonly #known = new Map<string, Known>();

  constructor(
    scenario: ReadyScenario,
    document: ResolvedScenario,
    from?: ExhaustiveState,
    print = fingerprint,
  ) {
    const { timeline } = document;
    this.#print = print;
    this.#base = { ...document, expect: [] };
    this.#timed = timedOf(timeline);
    const order = this.#timed.map((_, index) => index);
    const nothing = { order, begun: 0, strikes: document.faults.map(() => 0) };
    const played = { ...this.#documentOf(nothing, true) };
    this.#played = played as unknown as { timeline: Timeline; faults: Faults };
    this.#run = new DocumentRun(scenario, played);
    this.#start = captureWorld(this.#run.world);
    this.#startCoverage = this.#run.coverage.copy();
    if (from === undefined) {
      this.open.push({ ...nothing, run: 0, event: 0, share: 1 });
      this.#nextRun = 1;
    } else this.#adopt(from);
  }

  get states(): number {
    return this.#known.size;
  }

  /** Makes the next run, and says what it covered. */
  next(): Tally {
    const branch = this.open.pop()!;
    this.#begin(branch);
    const { world, untilNs } = this.#run;
    const states: StateOfTree[] = [];
    const left: Branch[] = [];
    const leftAt: (readonly [number, number])[] = [];
    let chosen: Chosen = branch;
    let into: Known | undefined;
    let isOver = false;
    while (!isOver) {
      // What was chosen to leave another run is done in its first event, and is no state of its own.
      const isFresh = world.eventCount > branch.event;
      let choices = isFresh ? this.#choices(chosen) : [];
      const isState = choices.length > 0 || (this.#isChoice() && isFresh);
      if (isState || (branch.event === 0 && states.length === 0)) {
        const print = hashHex(this.#print(world, this.#rest(chosen)));
        const known = this.#knownAs(print, branch.run, states.length);
        if (known === undefined) states.push([print, ...this.#moment()]);
        else if (known.run !== branch.run) {
          into = known;
          break;
        } else choices = [];
      }
      if (choices.length > 0) {
        const [image, coverage] = [captureWorld(world), this.#run.coverage.copy()];
        for (const choice of choices) {
          const [run, event] = [this.#nextRun++, world.eventCount];
          left.push({ ...choice, run, event, share: 0, image, coverage });
          leftAt.push([states.length - 1, run]);
        }
      }
      chosen = this.#afterEntry(chosen);
      isOver = world.run({ untilNs, untilEvent: world.eventCount + 1 }) !== "event";
      isOver ||= this.#run.violations.length > 0;
    }
    return this.#end(branch, chosen, { states, left: leftAt, into }, left);
  }

  #nextRun = 0;

  #end(
    branch: Branch,
    chosen: Chosen,
    { states, left, into }: Pick<RunOfTree, "states" | "left"> & { into: Known | undefined },
    branches: readonly Branch[],
  ): Tally {
    const share = branch.share / (branches.length + 1);
    this.done += share;
    // The earliest first: what comes to the same state later is merged into it.
    this.open.push(...branches.map((each) => ({ ...each, share })).reverse());
    const { order, strikes } = chosen;
    const merged = into && ([into.run, into.state, ...this.#moment()] as const);
    this.runs[branch.run] = { order, strikes, states, left, into: merged ?? null };
    if (into !== undefined) this.merged++;
    const record = into === undefined ? this.#run.complete() : this.#run.record();
    const document = this.#documentOf(chosen, false);
    return tallyOf(branch.run, document, record, branch.event);
  }

  #moment(): readonly [timeNs: number, event: number, step: number] {
    const { timeNs, eventCount, durableSteps } = this.#run.world;
    return [timeNs, eventCount, durableSteps];
  }

  #begin(branch: Branch): void {
    const { world, untilNs } = this.#run;
    this.#play(branch);
    restoreWorld(world, branch.image ?? this.#start);
    this.#run.coverage = (branch.coverage ?? this.#startCoverage).copy();
    this.#run.violations = [];
    if (branch.image === undefined) world.run({ untilNs, untilEvent: branch.event });
  }

  #play(chosen: Chosen): void {
    Object.assign(this.#played, this.#documentOf(chosen, true));
  }

  #documentOf(chosen: Pick<Chosen, "order" | "strikes">, withAll: boolean): ResolvedScenario {
    return documentOf(this.#base, chosen, withAll);
  }

  /** Other documents with which the next event would do something else. */
  #choices(chosen: Chosen): readonly Chosen[] {
    const { order, begun, strikes } = chosen;
    if (this.#isNext("step")) {
      const step = (this.#payload() as { step: number }).step;
      return subsets(strikes.flatMap((at, fault) => (at === 0 ? [fault] : []))).map((some) => ({
        ...chosen,
        strikes: strikes.map((at, fault) => (some.includes(fault) ? step : at)),
      }));
    }
    if (!this.#isMoment(begun)) return [];
    return order.slice(begun + 1).map((operation) => {
      const others = order.slice(begun).filter((each) => each !== operation);
      return {
        ...chosen,
        order: [...order.slice(0, begun), operation, ...others],
        begun: begun + 1,
      };
    });
  }

  #afterEntry(chosen: Chosen): Chosen {
    return this.#isMoment(chosen.begun) ? { ...chosen, begun: chosen.begun + 1 } : chosen;
  }

  /** The next event is the moment for an operation that is not chosen yet. */
  #isMoment(begun: number): boolean {
    return (
      begun < this.#timed.length && this.#isNext("entry") && this.#payload() === this.#timed[begun]
    );
  }

  #isChoice(): boolean {
    return this.#isNext("step");
  }

  #isNext(handler: string): boolean {
    const { queue } = this.#run.world;
    const driver = this.#run.world.named("driver");
    const slot = queue.peek();
    if (slot < 0 || queue.target[slot] !== driver.id) return false;
    return queue.handler[slot] === driver.handlerNumber(handler);
  }

  #payload(): Plain {
    const { queue } = this.#run.world;
    const slot = queue.peek();
    return queue.payloads[slot] ?? queue.arg[slot]!;
  }

  /** What is left to choose; the moments are among the pending events. */
  #rest({ order, begun, strikes }: Chosen): Plain {
    return [order.slice(begun).sort((a, b) => a - b), strikes.map((at) => at > 0)];
  }

  /**
   * A state that came no later than this one: what follows there is all that follows here. One of the
   * same run comes again and again when nothing goes on; what can be chosen there was chosen before.
   */
  #knownAs(print: string, run: number, state: number): Known | undefined {
    const { timeNs } = this.#run.world;
    const known = this.#known.get(print);
    if (known !== undefined && known.timeNs <= timeNs) return known;
    this.#known.set(print, { run, state, timeNs });
    return undefined;
  }

  #adopt({ open, runs, merged, done }: ExhaustiveState): void {
    this.open.push(...open);
    this.runs.push(...runs);
    this.merged = merged;
    this.done = done;
    this.#nextRun = 1 + Math.max(-1, ...open.map(({ run }) => run), runs.length - 1);
    runs.forEach((made, run) => {
      made?.states.forEach(([print, timeNs], state) => {
        const known = this.#known.get(print);
        if (known === undefined || known.timeNs > timeNs) {
          this.#known.set(print, { run, state, timeNs });
        }
      });
    });
  }
}

type Timeline = ResolvedScenario["timeline"];
type Faults = ResolvedScenario["faults"];

/** Places of what begins at a moment, in the order of the moments. */
const timedOf = (timeline: Timeline): readonly number[] =>
  timeline
    .flatMap(({ atMs }, index) => (atMs === undefined ? [] : [index]))
    .sort((a, b) => timeline[a]!.atMs! - timeline[b]!.atMs!);

/**
 * The document of what was chosen. Faults that are not to strike are left out, or (`withAll`) wait for
 * a step that never comes.
 */
export function documentOf(
  base: ResolvedScenario,
  { order, strikes }: Pick<Chosen, "order" | "strikes">,
  withAll = false,
): ResolvedScenario {
  const { timeline, faults } = base;
  const timed = timedOf(timeline);
  const moved = [...timeline];
  timed.forEach((place, moment) => {
    const entry = timeline[timed[order[moment]!]!]!;
    moved[place] = { ...entry, atMs: timeline[place]!.atMs! };
  });
  const struck = faults
    .map((fault, index) => atStep(fault, strikes[index]! || NEVER))
    .filter((_, index) => withAll || strikes[index]! > 0);
  return { ...base, timeline: moved, faults: struck };
}

const atStep = (fault: Faults[number], step: number): Faults[number] => {
  const { atMs: _, during: __, meanIntervalMs: ___, ...what } = fault;
  return { ...what, delayUs: 0, probability: 1, atStep: step } as unknown as Faults[number];
};

/** All but the empty one. */
function subsets(list: readonly number[]): readonly (readonly number[])[] {
  const [first, ...others] = list;
  if (first === undefined) return [];
  const rest = subsets(others);
  return [[first], ...rest.map((some) => [first, ...some]), ...rest];
}
