/**
 * What is done of an enumeration of crashes in one piece, by whichever process: finding the points of
 * a document's run, or trying some crashes with all that they can leave. Plain data in and out. Must
 * hold: a piece gives the same wherever it is done; what pieces have in common is put together later.
 */
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import type { FoundViolation } from "../explorer/run-document.ts";
import { type Choice, type CrashRun, otherLosses, runCrash } from "./crash-run.ts";
import { type CrashPoint, crashPoints } from "./points.ts";

/** A durable step, and the domain that is lost there. */
export interface Crash {
  readonly step: number;
  readonly domain: string;
}

export type CrashTask =
  | { readonly kind: "points"; readonly document: ResolvedScenario; readonly after: number }
  | {
      readonly kind: "crashes";
      readonly document: ResolvedScenario;
      /** The crash is the so-many-th of its run. */
      readonly depth: number;
      readonly mostLosses: number;
      readonly crashes: readonly Crash[];
    };

/** A run with one outcome of a crash. */
export interface CrashOutcome {
  /** What the crash left of what was not flushed. */
  readonly losses: readonly Choice[];
  readonly state: string | null;
  readonly stateEvent: number;
  readonly metadata: string;
  readonly ranBefore: readonly string[];
  readonly runAtEnd: readonly string[];
  readonly root: string;
  readonly events: number;
  readonly simulatedNs: number;
  readonly violation: FoundViolation | null;
}

export interface TriedCrash {
  readonly outcomes: readonly CrashOutcome[];
  /** There was no other outcome. */
  readonly isExhaustive: boolean;
}

export type CrashResult =
  | { readonly kind: "points"; readonly points: readonly CrashPoint[] }
  | { readonly kind: "crashes"; readonly tried: readonly TriedCrash[] }
  /** Whoever did it was lost over it, more than once. */
  | { readonly kind: "lost"; readonly how: string };

/** `onCrash` is told before each crash of the piece. */
export async function doCrashTask(
  scenario: ReadyScenario,
  task: CrashTask,
  onCrash: () => void = () => undefined,
): Promise<CrashResult> {
  if (task.kind === "points") {
    const { document, after } = task;
    return { kind: "points", points: crashPoints(scenario, document, after) };
  }
  const tried: TriedCrash[] = [];
  const known = new Set<string>();
  for (const crash of task.crashes) {
    onCrash();
    await new Promise((resolve) => setImmediate(resolve));
    tried.push(tryCrash(scenario, task, crash, known));
  }
  return { kind: "crashes", tried };
}

/** All that one crash can leave of what was not flushed, or as many as were asked for. */
function tryCrash(
  scenario: ReadyScenario,
  { document, depth, mostLosses }: Extract<CrashTask, { kind: "crashes" }>,
  crash: Crash,
  known: Set<string>,
): TriedCrash {
  const struck = withCrash(document, crash);
  const outcomes: CrashOutcome[] = [];
  const open: (readonly Choice[])[] = [[]];
  while (open.length > 0 && outcomes.length < mostLosses) {
    const taken = open.shift()!;
    const run = runCrash(scenario, struck, depth, known, taken);
    if (run.state !== undefined) known.add(run.state);
    open.push(...otherLosses(run, taken.length));
    outcomes.push(outcomeOf(run));
  }
  return { outcomes, isExhaustive: open.length === 0 };
}

function outcomeOf({ record, losses, state, ...run }: CrashRun): CrashOutcome {
  const { stateEvent, metadata, ranBefore, runAtEnd } = run;
  const { root, events, simulatedNs, violations } = record;
  return {
    losses: losses.map(({ options: _, ...choice }) => choice),
    state: state ?? null,
    stateEvent,
    metadata,
    ranBefore,
    runAtEnd,
    root,
    events,
    simulatedNs,
    violation: violations[0] ?? null,
  };
}

/** Down for so long; then its VMs are started elsewhere, or on it. */
const RESTART_MS = 50;

function withCrash(document: ResolvedScenario, { step, domain }: Crash): ResolvedScenario {
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

/** The document of one outcome: its crash, and what it left as fixed choices. */
export function documentOfOutcome(
  document: ResolvedScenario,
  crash: Crash,
  { losses }: Pick<CrashOutcome, "losses">,
): ResolvedScenario {
  const struck = withCrash(document, crash);
  const choices = [...(document.choices ?? []), ...losses];
  return choices.length === 0 ? struck : { ...struck, choices };
}
