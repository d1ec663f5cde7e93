/**
 * Every way in which the faults of a small document can fall into its durable steps, for every order
 * in which its operations can begin. The search walks a tree of choices: which of the operations begins
 * when a moment for one has come, and which of the faults strike at a durable step. A run goes on from
 * where its choices differ from those of another one, and ends where the world is as another one left
 * it. Complete means just that: nothing was sampled or cut.
 */
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import { codeVersion } from "../../traces/index.ts";
import { type Branch, ChoiceTree } from "./choice-tree.ts";
import type { fingerprint } from "./fingerprint.ts";
import { DocumentRun } from "./run-document.ts";
import { RESULT_FORMAT, type SearchResult } from "./result-file.ts";
import type { Tally } from "./search.ts";
import { TallySum } from "./tally-sum.ts";

export interface Exhaustive {
  readonly tally: Tally;
  /** States at which something could be chosen, each counted once. */
  readonly states: number;
  /** Runs that ended where another one had been. */
  readonly merged: number;
  /** Different sequences of choices that the runs so far stand for, up to a first violation. */
  readonly behaviours: number;
  /** Choices that were met and are still to be made. */
  readonly open: number;
  /** Part of the tree that is done, from 0 to 1: each choice of a run is taken for as large. */
  readonly done: number;
  /** Findings whose documents, run from the beginning, do not show them: none, or a bug of ours. */
  readonly unverified: number;
  readonly isComplete: boolean;
}

export interface ExhaustiveOptions {
  /** Runs after which it is cut. */
  readonly mostRuns: number;
  /** Different findings with which it is cut; none are enough unless told. */
  readonly findings?: number;
  readonly isStopped?: () => boolean;
  readonly onProgress?: (found: Exhaustive) => void;
  /** Goes on where another one ended. */
  readonly from?: ExhaustiveState;
  /** By which states are told apart, for tests. */
  readonly print?: typeof fingerprint;
  /** Given what it needs to be taken up again, when it ends and every so often. */
  readonly onState?: (state: ExhaustiveState) => void;
}

export const EXHAUSTIVE_FORMAT = "orrery-exhaustive-1";

/** A search that was cut, as plain data. */
export interface ExhaustiveState {
  readonly format: typeof EXHAUSTIVE_FORMAT;
  readonly codeVersion: string;
  readonly scenarioHash: string;
  readonly tally: Tally;
  readonly merged: number;
  readonly done: number;
  readonly open: readonly Omit<Branch, "image" | "coverage">[];
  readonly runs: readonly RunOfTree[];
}

/** A state at which a run could choose, with the event and the durable step that it came after. */
export type StateOfTree = readonly [
  fingerprint: string,
  timeNs: number,
  event: number,
  step: number,
];

/** A run as the count of behaviours needs it, and enough to make it again. */
export interface RunOfTree {
  /** Which of the operations began at each moment, and the step at which each fault struck, or 0. */
  readonly order: readonly number[];
  readonly strikes: readonly number[];
  readonly states: readonly StateOfTree[];
  /** Number of the run and of its state that it was merged into, and where that was in this one. */
  readonly into:
    readonly [run: number, state: number, timeNs: number, event: number, step: number] | null;
  /** Numbers of the runs that chose something else, each with the state that they left it in. */
  readonly left: readonly (readonly [state: number, run: number])[];
}

/** Runs between two looks at what would be needed to go on. */
const STATE_EVERY = 500;

export async function exhaust(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  options: ExhaustiveOptions,
): Promise<Exhaustive> {
  const { mostRuns, findings = Infinity, onProgress, from, onState } = options;
  const isStopped = (): boolean => sum.findings >= findings || options.isStopped?.() === true;
  const tree = new ChoiceTree(scenario, document, from, options.print);
  const sum = new TallySum(...(from === undefined ? [] : [from.tally]));
  let made = 0;
  const found = (): Exhaustive => {
    const { states, merged, done, open } = tree;
    const counts = { states, merged, done, open: open.length };
    return {
      tally: sum.tally,
      ...counts,
      behaviours: 0,
      unverified: 0,
      isComplete: open.length === 0,
    };
  };
  const state = (): ExhaustiveState => ({
    format: EXHAUSTIVE_FORMAT,
    codeVersion: codeVersion(),
    scenarioHash: scenario.hash,
    tally: sum.tally,
    merged: tree.merged,
    done: tree.done,
    open: tree.open.map(({ image: _, coverage: __, ...branch }) => branch),
    runs: tree.runs,
  });
  while (tree.open.length > 0 && made < mostRuns && !isStopped()) {
    await new Promise((resolve) => setImmediate(resolve));
    sum.add(tree.next());
    if (++made % STATE_EVERY === 0) onState?.(state());
    onProgress?.(found());
  }
  onState?.(state());
  const behaviours = behavioursOf(tree.runs);
  const unverified = sum.tally.findings.filter((finding) => !isShown(scenario, finding)).length;
  return { ...found(), behaviours, unverified };
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

/**
 * Sequences of choices that lead through the runs: a run stands for its own end, or for all that
 * follows the state that it was merged into, and for all that left it on the way. Every other run
 * is from a state with fewer choices left, or was merged into an earlier run: the count ends.
 */
export function behavioursOf(runs: readonly Pick<RunOfTree, "into" | "left">[]): number {
  const known = new Map<string, number>();
  const from = (run: number, state: number): number => {
    const key = `${run} ${state}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const { into, left } = runs[run]!;
    let count = into === null ? 1 : from(into[0], into[1]);
    for (const [at, other] of left) {
      // Those that are still to be made are not there, or null where they were read from a file.
      if (at >= state && runs[other]) count += from(other, 0);
    }
    known.set(key, count);
    return count;
  };
  return runs.length === 0 ? 0 : from(0, 0);
}

/** The document of a finding, run from the beginning, breaks the same invariant. */
function isShown(scenario: ReadyScenario, { document, violation }: Tally["findings"][number]) {
  const { violations } = new DocumentRun(scenario, document).complete();
  return violations.some(({ invariant }) => invariant === violation.invariant);
}
