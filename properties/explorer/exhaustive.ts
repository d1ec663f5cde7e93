/**
 * Every way in which the faults of a small document can fall into its durable steps, for every order
 * in which its operations can begin. Each fault strikes at one step or not at all, which the gate
 * chooses; a run goes on from where its choices differ from those of another one, and ends where the
 * world is as another one left it. Complete means just that: nothing was sampled or cut.
 */
import {
  captureWorld,
  futureDigest,
  restoreWorld,
  type Steer,
  type WorldImage,
} from "../../core/kernel/index.ts";
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import { codeVersion } from "../../traces/index.ts";
import type { Coverage } from "./coverage.ts";
import { DocumentRun, type RunRecord } from "./run-document.ts";
import { RESULT_FORMAT, type SearchResult } from "./result-file.ts";
import { mergeTallies, NOTHING, type Tally } from "./search.ts";
import { tallyOf } from "./tally.ts";

export interface Exhaustive {
  readonly tally: Tally;
  /** Orders in which the operations begin: done, and of all. */
  readonly orders: readonly [done: number, all: number];
  /** States at which a fault could strike, each counted once. */
  readonly states: number;
  /** Runs that ended where another one had been. */
  readonly merged: number;
  /** Findings whose documents, run from the beginning, do not show them: none, or a bug of ours. */
  readonly unverified: number;
  readonly isComplete: boolean;
}

export interface ExhaustiveOptions {
  /** Runs after which it is cut. */
  readonly mostRuns: number;
  readonly isStopped?: () => boolean;
  readonly onProgress?: (found: Exhaustive) => void;
}

/** A run that is still to be made: the world before an event, and the fault that strikes in it. */
interface Branch {
  readonly image: WorldImage;
  readonly event: number;
  readonly coverage: Coverage;
  /** Faults that have struck, this one last; by number in the document with all of them. */
  readonly struck: readonly number[];
}

export async function exhaust(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  { mostRuns, isStopped = () => false, onProgress }: ExhaustiveOptions,
): Promise<Exhaustive> {
  const orders = ordersOf(document);
  let found: Exhaustive = {
    tally: NOTHING,
    orders: [0, orders.length],
    states: 0,
    merged: 0,
    unverified: 0,
    isComplete: false,
  };
  for (const [index, order] of orders.entries()) {
    const tree = new FaultTree(scenario, order);
    while (tree.isOpen && found.tally.runs < mostRuns && !isStopped()) {
      await new Promise((resolve) => setImmediate(resolve));
      const { states, merged } = tree;
      const record = tree.next();
      const made = record === undefined ? NOTHING : tree.tallyOf(found.tally.runs, record);
      found = {
        ...found,
        tally: mergeTallies(found.tally, made),
        states: found.states + tree.states - states,
        merged: found.merged + tree.merged - merged,
      };
      onProgress?.(found);
    }
    if (tree.isOpen) break;
    found = { ...found, orders: [index + 1, orders.length] };
  }
  const { findings } = found.tally;
  const unverified = findings.filter((finding) => !isShown(scenario, finding)).length;
  return { ...found, unverified, isComplete: found.orders[0] === orders.length };
}

/** The same as the result of any other search. */
export const exhaustiveResult = (
  { document, hash }: ReadyScenario,
  tally: Tally,
): SearchResult => ({
  format: RESULT_FORMAT,
  codeVersion: codeVersion(),
  scenario: document.name,
  scenarioHash: hash,
  seed: document.seed,
  strategy: "exhaustive",
  blockRuns: tally.runs,
  asked: tally.runs,
  blocks: [0],
  audited: 0,
  tally,
  mismatches: [],
});

/** The document of a finding, run from the beginning, breaks the same invariant. */
function isShown(scenario: ReadyScenario, { document, violation }: Tally["findings"][number]) {
  const { violations } = new DocumentRun(scenario, document).complete();
  return violations.some(({ invariant }) => invariant === violation.invariant);
}

/** The entries that begin at a time, in every order, at the same times. */
function ordersOf(document: ResolvedScenario): readonly ResolvedScenario[] {
  const timed = document.timeline.flatMap(({ atMs }, index) => (atMs === undefined ? [] : [index]));
  const times = timed.map((index) => document.timeline[index]!.atMs!).sort((a, b) => a - b);
  return permutations(timed).map((order) => ({
    ...document,
    expect: [],
    timeline: document.timeline.map((entry, index) =>
      timed.includes(index) ? { ...entry, atMs: times[order.indexOf(index)]! } : entry,
    ),
  }));
}

function permutations<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list];
  return list.flatMap((first, index) =>
    permutations(list.filter((_, at) => at !== index)).map((rest) => [first, ...rest]),
  );
}

/** Recoveries take steps of their own: so many times those of the run without faults are looked at. */
const STEPS_FACTOR = 2;

class FaultTree {
  /** States seen, and runs that came to one of them again. */
  states = 0;
  merged = 0;
  readonly #base: ResolvedScenario;
  readonly #document: ResolvedScenario;
  readonly #run: DocumentRun;
  readonly #visited = new Set<bigint>();
  readonly #branches: (Branch | undefined)[] = [undefined];
  /** Of the run under way. */
  #struck: readonly number[] = [];
  #strikesIn = 0;
  #open: number[] = [];
  #from = 0;

  constructor(scenario: ReadyScenario, base: ResolvedScenario) {
    const plain = new DocumentRun(scenario, { ...base, faults: [] }).complete();
    const steps = plain.durableSteps * STEPS_FACTOR;
    const faults = Array.from({ length: steps }, (_, step) =>
      base.faults.map((fault) => ({ ...atStep(fault, step + 1), probability: 0.5 })),
    ).flat();
    this.#base = base;
    this.#document = { ...base, faults };
    this.#run = new DocumentRun(scenario, this.#document, { steer: this.#steer });
  }

  get isOpen(): boolean {
    return this.#branches.length > 0;
  }

  /** The next run to its end; undefined when it came to a state that is known. */
  next(): RunRecord | undefined {
    const branch = this.#branches.pop();
    const { world, untilNs } = this.#run;
    this.#begin(branch);
    const { id: driver, handlers, firstHandler } = world.named("driver");
    const step = firstHandler + handlers["step"]!;
    const most = this.#base.faults.length;
    for (;;) {
      const slot = world.queue.peek();
      const isStep =
        slot >= 0 && world.queue.target[slot] === driver && world.queue.handler[slot] === step;
      const canStrike = isStep && this.#struck.length < most;
      if (isStep && world.eventCount > this.#strikesIn && this.#isKnown()) return undefined;
      const image = canStrike ? captureWorld(world) : undefined;
      const coverage = image && this.#run.coverage.copy();
      this.#open = [];
      const reason = world.run({ untilNs, untilEvent: world.eventCount + 1 });
      if (reason !== "event") return this.#run.complete();
      for (const fault of this.#open) {
        const struck = [...this.#struck, fault];
        const event = world.eventCount - 1;
        this.#branches.push({ image: image!, event, coverage: coverage!, struck });
      }
    }
  }

  /** What the run covered; its document names only the faults that struck. */
  tallyOf(run: number, record: RunRecord): Tally {
    const faults = this.#struck.map((index) => ({
      ...this.#document.faults[index]!,
      probability: 1,
    }));
    return tallyOf(run, { ...this.#base, faults }, record, this.#from);
  }

  #begin(branch: Branch | undefined): void {
    this.#struck = branch?.struck ?? [];
    this.#from = branch?.event ?? 0;
    // The event in which the last fault strikes was looked at before.
    this.#strikesIn = branch?.event ?? -1;
    this.#run.violations = [];
    if (branch === undefined) return;
    restoreWorld(this.#run.world, branch.image);
    this.#run.coverage = branch.coverage.copy();
  }

  #isKnown(): boolean {
    const digest = futureDigest(this.#run.world);
    if (this.#visited.has(digest)) {
      this.merged++;
      return true;
    }
    this.#visited.add(digest);
    this.states++;
    return false;
  }

  /** A fault of each kind strikes once at most. */
  readonly #steer: Steer = ({ entity, purpose }) => {
    const [, number] = (entity === "driver" && /^fault (\d+)$/.exec(purpose)) || [];
    if (number === undefined) return undefined;
    const fault = Number(number);
    const kinds = this.#base.faults.length;
    if (this.#struck.includes(fault)) return 1;
    const hasStruck = this.#struck.some((other) => other % kinds === fault % kinds);
    const last = this.#struck.at(-1) ?? -1;
    if (!hasStruck && fault > last) this.#open.push(fault);
    return 0;
  };
}

function atStep(
  fault: ResolvedScenario["faults"][number],
  step: number,
): ResolvedScenario["faults"][number] {
  const { atMs: _, during: __, meanIntervalMs: ___, ...what } = fault;
  return { ...what, delayUs: 0, atStep: step } as unknown as typeof fault;
}
