/**
 * Crashes at every durable step of every operation of a scenario, and again within what recovers
 * from them, to a given depth. After each the invariants must hold and what ran must run again. Must
 * hold: what is reported as tried was tried, what was merged had an equal state, what was left out for
 * its number is counted, and none of it depends on who did which piece.
 */
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import type { FoundViolation } from "../explorer/run-document.ts";
import { type Finding, NOTHING, takesDown } from "../explorer/search.ts";
import { mergeTallies } from "../explorer/tally-sum.ts";
import { runCrash } from "./crash-run.ts";
import {
  type Crash,
  type CrashOutcome,
  type CrashResult,
  type CrashTask,
  doCrashTask,
  documentOfOutcome,
  type TriedCrash,
} from "./crash-task.ts";

export interface EnumerationOptions {
  /** 1: crashes of operations; 2: and of their recovery; and so on. */
  readonly depth: number;
  /** Crashes of each depth at most; the others are left out evenly. */
  readonly most: number;
  /** Outcomes of one crash at most, where unflushed writes give it several. */
  readonly mostLosses: number;
  readonly isStopped?: () => boolean;
  /** Who does the pieces; this process unless told. */
  readonly executor?: CrashExecutor;
  readonly onProgress?: (progress: { readonly depth: number; readonly done: number }) => void;
}

/** Does pieces in any order and number at a time; the results are in the order of the pieces. */
export interface CrashExecutor {
  /** Undefined for those that were not done because it was stopped. */
  map(
    tasks: readonly CrashTask[],
    onDone: () => void,
    isStopped: () => boolean,
  ): Promise<readonly (CrashResult | undefined)[]>;
}

/** Of one depth. */
export interface DepthReport {
  readonly depth: number;
  /** Pairs of a durable step and a domain that is lost there. */
  readonly enumerated: number;
  /** Of these, left out because they were more than asked for. */
  readonly leftOut: number;
  /** Crashes tried to the end, with all their outcomes. */
  readonly tried: number;
  /** Crashes that left a state equal to an earlier one: not tried again. */
  readonly merged: number;
  /** Crashes of which all outcomes of unflushed writes were tried, and those of which some were. */
  readonly exhaustive: number;
  readonly sampled: number;
  /** Different states that recovery began from, by files and volumes. */
  readonly states: number;
}

export interface Enumerated {
  readonly depths: readonly DepthReport[];
  readonly findings: readonly Finding[];
  readonly runs: number;
  readonly events: number;
  readonly isWhole: boolean;
}

/** Time that each crash more may need until all is well again. */
const RECOVERY_MS = 6_000;

/** Crashes of a piece at most: enough to find equal states early, few enough to share the work. */
const PIECE = 4;

/** A document, of which more crashes are to be tried after this durable step. */
interface Root {
  readonly document: ResolvedScenario;
  readonly after: number;
}

interface RootCrash extends Crash {
  readonly root: Root;
}

export async function enumerateCrashes(
  scenario: ReadyScenario,
  options: EnumerationOptions,
): Promise<Enumerated> {
  const { document } = scenario;
  const durationMs = document.durationMs + options.depth * RECOVERY_MS;
  const base = { ...document, durationMs, expect: [] };
  const enumeration = new Enumeration(scenario, base, options);
  return enumeration.run();
}

/** One piece after the other, here. */
const inThisProcess = (scenario: ReadyScenario): CrashExecutor => ({
  async map(tasks, onDone, isStopped) {
    const results: CrashResult[] = [];
    for (const task of tasks) {
      if (isStopped()) break;
      results.push(await doCrashTask(scenario, task));
      onDone();
    }
    return results;
  },
});

class Enumeration {
  readonly #options: EnumerationOptions;
  readonly #executor: CrashExecutor;
  readonly #base: ResolvedScenario;
  /** VMs that run at the end when nothing crashes. */
  readonly #meant: readonly string[];
  readonly #states = new Set<string>();
  #findings: readonly Finding[] = [];
  #runs = 0;
  #events = 0;
  #isWhole = true;

  constructor(scenario: ReadyScenario, base: ResolvedScenario, options: EnumerationOptions) {
    this.#base = base;
    this.#options = options;
    this.#executor = options.executor ?? inThisProcess(scenario);
    this.#meant = runCrash(scenario, base, 0, new Set(), []).runAtEnd;
  }

  async run(): Promise<Enumerated> {
    const depths: DepthReport[] = [];
    let roots: readonly Root[] = [{ document: this.#base, after: 0 }];
    for (let depth = 1; depth <= this.#options.depth && roots.length > 0; depth++) {
      const { report, next } = await this.#tryDepth(depth, roots);
      depths.push(report);
      roots = next;
      if (!this.#isWhole) break;
    }
    const [findings, runs, events] = [this.#findings, this.#runs, this.#events];
    return { depths, findings, runs, events, isWhole: this.#isWhole };
  }

  async #tryDepth(
    depth: number,
    roots: readonly Root[],
  ): Promise<{ readonly report: DepthReport; readonly next: readonly Root[] }> {
    const all = await this.#crashesOf(roots);
    const every = Math.ceil(all.length / this.#options.most);
    const some = all.filter((_, index) => index % Math.max(1, every) === 0);
    const counts = { tried: 0, merged: 0, exhaustive: 0, sampled: 0 };
    const next = new Map<string, Root>();
    let done = 0;
    const onDone = (crashes: number): void =>
      this.#options.onProgress?.({ depth, done: (done += crashes / some.length) });
    for (const [crash, tried] of await this.#try(depth, some, onDone)) {
      counts[tried.isExhaustive ? "exhaustive" : "sampled"]++;
      for (const outcome of tried.outcomes) {
        const document = documentOfOutcome(crash.root.document, crash, outcome);
        const isNew = this.#judge(outcome, document);
        counts[isNew ? "tried" : "merged"]++;
        const { metadata } = outcome;
        if (isNew && !next.has(metadata)) next.set(metadata, { document, after: crash.step });
      }
    }
    const left = { enumerated: all.length, leftOut: all.length - some.length };
    const report = { depth, ...left, ...counts, states: next.size };
    return { report, next: [...next.values()] };
  }

  async #crashesOf(roots: readonly Root[]): Promise<readonly RootCrash[]> {
    const tasks = roots.map((root): CrashTask => ({ kind: "points", ...root }));
    const results = await this.#map(tasks, () => undefined);
    return results.flatMap((result, index) => {
      if (result?.kind !== "points") return [];
      const root = roots[index]!;
      return result.points.flatMap(({ step, domains }) =>
        domains.map((domain) => ({ root, step, domain })),
      );
    });
  }

  /** Each crash that was tried, in order, in pieces of such as have one document. */
  async #try(
    depth: number,
    crashes: readonly RootCrash[],
    onDone: (crashes: number) => void,
    most = PIECE,
  ): Promise<readonly (readonly [RootCrash, TriedCrash])[]> {
    const pieces = piecesOf(crashes, most);
    const tasks = pieces.map((piece): CrashTask => {
      const some = piece.map(({ step, domain }) => ({ step, domain }));
      const { mostLosses } = this.#options;
      return {
        kind: "crashes",
        document: piece[0]!.root.document,
        depth,
        mostLosses,
        crashes: some,
      };
    });
    const results = await this.#map(tasks, (index) => onDone(pieces[index]!.length));
    const tried: (readonly [RootCrash, TriedCrash])[] = [];
    for (const [index, piece] of pieces.entries()) {
      const result = results[index];
      if (result?.kind === "crashes") {
        piece.forEach((crash, at) => tried.push([crash, result.tried[at]!]));
      } else if (result?.kind === "lost") {
        if (piece.length === 1) this.#reportLost(piece[0]!, result.how);
        else tried.push(...(await this.#try(depth, piece, () => undefined, 1)));
      }
    }
    return tried;
  }

  async #map(
    tasks: readonly CrashTask[],
    onDone: (index: number) => void,
  ): Promise<readonly (CrashResult | undefined)[]> {
    const { isStopped = () => false } = this.#options;
    let done = 0;
    const results = await this.#executor.map(tasks, () => onDone(done++), isStopped);
    if (tasks.some((_, index) => results[index] === undefined)) this.#isWhole = false;
    return results;
  }

  /**
   * Invariants first; then, what ran runs again. False for an outcome that left a state as another
   * one did: what follows is known.
   */
  #judge(outcome: CrashOutcome, document: ResolvedScenario): boolean {
    const { state, stateEvent, violation, ranBefore, runAtEnd, events } = outcome;
    this.#runs++;
    const isMerged = state !== null && this.#states.has(state);
    this.#events += isMerged ? stateEvent : events;
    if (isMerged) return false;
    if (state !== null) this.#states.add(state);
    if (violation !== null) {
      this.#report(outcome, violation, document);
      return true;
    }
    const lost = this.#meant.find((vm) => ranBefore.includes(vm) && !runAtEnd.includes(vm));
    if (lost === undefined) return true;
    const expect = [{ vm: lost, state: "running" }] as const;
    const expecting = { ...document, expect } as ResolvedScenario;
    this.#report(outcome, staysDown(lost, outcome), expecting);
    return true;
  }

  #report(
    { events, root }: Pick<CrashOutcome, "events" | "root">,
    violation: FoundViolation,
    document: ResolvedScenario,
  ): void {
    const finding: Finding = { violation, run: this.#runs, runs: 1, root, events, document };
    const both = { ...NOTHING, findings: [finding] };
    this.#findings = mergeTallies({ ...NOTHING, findings: this.#findings }, both).findings;
  }

  /** A crash that took down whoever tried it. */
  #reportLost(crash: RootCrash, how: string): void {
    this.#runs++;
    const violation = takesDown(how);
    const document = documentOfOutcome(crash.root.document, crash, { losses: [] });
    this.#report({ events: 0, root: "" }, violation, document);
  }
}

/** In order, and each of one document. */
function piecesOf(crashes: readonly RootCrash[], most: number): readonly (readonly RootCrash[])[] {
  const pieces: RootCrash[][] = [];
  for (const crash of crashes) {
    const last = pieces.at(-1);
    if (last !== undefined && last.length < most && last[0]!.root === crash.root) last.push(crash);
    else pieces.push([crash]);
  }
  return pieces;
}

/** As the expectation in the finding's document says it. */
const staysDown = (
  vm: string,
  { events, simulatedNs }: Pick<CrashOutcome, "events" | "simulatedNs">,
): FoundViolation => ({
  invariant: "/expect/0",
  mechanism: "expectation",
  phase: "",
  message: `${vm} ran before the crash and does not run again`,
  entities: [vm],
  event: events,
  atNs: simulatedNs,
});
