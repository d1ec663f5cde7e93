/**
 * What a search is asked to do, and what it found: plain data that goes between processes and into
 * result files. Must hold: a result depends on the scenario, the code and the request alone, never
 * on how many workers shared the blocks or in which order they were done.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import type { FoundViolation } from "./run-document.ts";

/**
 * `uniform`: every feature in every run; `swarm`: a random subset of them in each; `pct`: the
 * scenario nearly as it is, with a few messages or requests overtaken by all others (after Burckhardt
 * et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010);
 * `exhaustive`: every order of the operations and every durable step for each fault.
 */
export type Strategy = "uniform" | "swarm" | "pct" | "exhaustive";

/** Runs of a block: made one after the other in one worker; guidance looks no further back. */
export const BLOCK_RUNS = 128;

/** Every so many runs one is repeated elsewhere, under other conditions. */
export const AUDIT_EVERY = 64;

export interface SearchRequest {
  readonly scenario: string;
  readonly settings: readonly string[];
  readonly seed: number;
  readonly strategy: Strategy;
  readonly blockRuns: number;
  /** Repeat every run, not one in so many. */
  readonly auditAll: boolean;
}

/** A run that broke something: enough to make it again. */
export interface Finding {
  readonly violation: FoundViolation;
  /** Number of the first run that found it. */
  readonly run: number;
  /** How many runs did. */
  readonly runs: number;
  readonly root: string;
  readonly events: number;
  readonly document: ResolvedScenario;
}

/** A run to be repeated under other conditions, with the root that it must have. */
export interface AuditTask {
  readonly run: number;
  readonly document: ResolvedScenario;
  readonly root: string;
}

export interface Mismatch {
  readonly run: number;
  readonly document: ResolvedScenario;
  readonly expected: string;
  readonly found: string;
  readonly conditions: string;
}

/** What any number of runs covered and found. */
export interface Tally {
  readonly runs: number;
  /** Runs of these that went on from a moment of another one. */
  readonly forks: number;
  readonly events: number;
  readonly simulatedNs: number;
  /** Runs in which each state was reached; 0 for one that never was. */
  readonly reached: { readonly [state: string]: number };
  /** Runs that filled each cell of (phase | fault | other phase). */
  readonly cells: { readonly [cell: string]: number };
  /** Runs in which an operation of this kind ended so. */
  readonly outcomes: { readonly [outcome: string]: number };
  readonly findings: readonly Finding[];
}

export const NOTHING: Tally = {
  runs: 0,
  forks: 0,
  events: 0,
  simulatedNs: 0,
  reached: {},
  cells: {},
  outcomes: {},
  findings: [],
};

export interface BlockResult {
  readonly block: number;
  readonly tally: Tally;
  readonly audits: readonly AuditTask[];
}

/** Findings with the same key are one: invariant, mechanism, phase. */
export const findingKey = ({ invariant, mechanism, phase }: FoundViolation): string =>
  `${invariant} | ${mechanism} | ${phase}`;

const LEAVES_ALIVE = "a run leaves its worker alive";

export const isTakenDown = ({ invariant }: FoundViolation): boolean => invariant === LEAVES_ALIVE;

/** A run that ends whoever makes it. */
export const takesDown = (how: string): FoundViolation => ({
  invariant: LEAVES_ALIVE,
  mechanism: "explorer",
  phase: "",
  message: `the worker ended with ${how}`,
  entities: [],
  event: 0,
  atNs: 0,
});
