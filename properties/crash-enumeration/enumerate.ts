/**
 * Crashes at every durable step of every operation of a scenario, and again within what recovers
 * from them, to a given depth. After each the invariants must hold and what ran must run again. Must
 * hold: what is reported as tried was tried, what was merged had an equal state, and what was left
 * out for its number is counted.
 */
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import type { FoundViolation, RunRecord } from "../explorer/run-document.ts";
import { type Finding, mergeTallies, NOTHING } from "../explorer/search.ts";
import { type Choice, type CrashRun, otherLosses, runCrash } from "./crash-run.ts";
import { type CrashPoint, crashPoints } from "./points.ts";

export interface EnumerationOptions {
  /** 1: crashes of operations; 2: and of their recovery; and so on. */
  readonly depth: number;
  /** Crashes of each depth at most; the others are left out evenly. */
  readonly most: number;
  /** Outcomes of one crash at most, where unflushed writes give it several. */
  readonly mostLosses: number;
  readonly isStopped?: () => boolean;
  readonly onProgress?: (progress: { readonly depth: number; readonly done: number }) => void;
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

/** Down for so long; then its VMs are started elsewhere, or on it. */
const RESTART_MS = 50;
/** Time that each crash more may need until all is well again. */
const RECOVERY_MS = 6_000;

/** A document, of which more crashes are to be tried after this durable step. */
interface Root {
  readonly document: ResolvedScenario;
  readonly after: number;
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

class Enumeration {
  readonly #scenario: ReadyScenario;
  readonly #options: EnumerationOptions;
  readonly #base: ResolvedScenario;
  /** VMs that run at the end when nothing crashes. */
  readonly #meant: readonly string[];
  readonly #states = new Set<string>();
  #findings: readonly Finding[] = [];
  #runs = 0;
  #events = 0;

  constructor(scenario: ReadyScenario, base: ResolvedScenario, options: EnumerationOptions) {
    this.#scenario = scenario;
    this.#base = base;
    this.#options = options;
    this.#meant = runCrash(scenario, base, 0, new Set(), []).runAtEnd;
  }

  async run(): Promise<Enumerated> {
    const depths: DepthReport[] = [];
    let roots: readonly Root[] = [{ document: this.#base, after: 0 }];
    for (let depth = 1; depth <= this.#options.depth && roots.length > 0; depth++) {
      const { report, next } = await this.#tryDepth(depth, roots);
      depths.push(report);
      roots = next;
      if (this.#isStopped()) break;
    }
    const isWhole = !this.#isStopped();
    const [findings, runs, events] = [this.#findings, this.#runs, this.#events];
    return { depths, findings, runs, events, isWhole };
  }

  async #tryDepth(
    depth: number,
    roots: readonly Root[],
  ): Promise<{ readonly report: DepthReport; readonly next: readonly Root[] }> {
    const all = roots.flatMap((root) =>
      crashPoints(this.#scenario, root.document, root.after).flatMap((point) =>
        point.domains.map((domain) => ({ root, point, domain })),
      ),
    );
    const every = Math.ceil(all.length / this.#options.most);
    const some = all.filter((_, index) => index % Math.max(1, every) === 0);
    const counts = { tried: 0, merged: 0, exhaustive: 0, sampled: 0 };
    const next = new Map<string, Root>();
    for (const [done, { root, point, domain }] of some.entries()) {
      if (this.#isStopped()) break;
      this.#options.onProgress?.({ depth, done: done / some.length });
      await new Promise((resolve) => setImmediate(resolve));
      const struck = withCrash(root.document, point, domain);
      const { runs, isExhaustive } = this.#tryLosses(struck, depth);
      counts[isExhaustive ? "exhaustive" : "sampled"]++;
      for (const { isMerged, metadata, document } of runs) {
        counts[isMerged ? "merged" : "tried"]++;
        if (!isMerged && !next.has(metadata)) next.set(metadata, { document, after: point.step });
      }
    }
    const left = { enumerated: all.length, leftOut: all.length - some.length };
    const report = { depth, ...left, ...counts, states: next.size };
    return { report, next: [...next.values()] };
  }

  /** All that one crash can leave of what was not flushed, or as many as were asked for. */
  #tryLosses(
    document: ResolvedScenario,
    depth: number,
  ): { readonly runs: readonly CrashRun[]; readonly isExhaustive: boolean } {
    const runs: CrashRun[] = [];
    const open: (readonly Choice[])[] = [[]];
    while (open.length > 0 && runs.length < this.#options.mostLosses) {
      const taken = open.shift()!;
      const run = runCrash(this.#scenario, document, depth, this.#states, taken);
      runs.push(run);
      if (run.state !== undefined) this.#states.add(run.state);
      open.push(...otherLosses(run, taken.length));
      this.#judge(run);
    }
    return { runs, isExhaustive: open.length === 0 };
  }

  /** Invariants first; then, what ran runs again. */
  #judge({ record, document, isMerged, ranBefore, runAtEnd }: CrashRun): void {
    this.#runs++;
    this.#events += record.events;
    const [violation] = record.violations;
    if (violation !== undefined) return this.#report(record, violation, document);
    if (isMerged) return;
    const lost = this.#meant.find((vm) => ranBefore.includes(vm) && !runAtEnd.includes(vm));
    if (lost === undefined) return;
    const expect = [{ vm: lost, state: "running" }] as const;
    this.#report(record, staysDown(lost, record), { ...document, expect } as ResolvedScenario);
  }

  #report(
    { events, root }: RunRecord,
    violation: FoundViolation,
    document: ResolvedScenario,
  ): void {
    const finding: Finding = { violation, run: this.#runs, runs: 1, root, events, document };
    const both = { ...NOTHING, findings: [finding] };
    this.#findings = mergeTallies({ ...NOTHING, findings: this.#findings }, both).findings;
  }

  #isStopped(): boolean {
    return this.#options.isStopped?.() === true;
  }
}

/** As the expectation in the finding's document says it. */
const staysDown = (vm: string, { events, simulatedNs }: RunRecord): FoundViolation => ({
  invariant: "/expect/0",
  mechanism: "expectation",
  phase: "",
  message: `${vm} ran before the crash and does not run again`,
  entities: [vm],
  event: events,
  atNs: simulatedNs,
});

function withCrash(
  document: ResolvedScenario,
  { step }: CrashPoint,
  domain: string,
): ResolvedScenario {
  const fault = {
    kind: "crash",
    domain,
    atStep: step,
    restartAfterMs: RESTART_MS,
    delayUs: 0,
    probability: 1,
  } as const;
  return { ...document, faults: [...document.faults, fault] };
}
