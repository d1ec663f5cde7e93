/**
 * Leaves a finding as two files: the smallest document that shows it, and the trace of its run, held
 * against a replay. Either reproduces it with one command.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  withDocument,
  type JsonValue,
  openRecordedRun,
  type ReadyScenario,
  type ResolvedScenario,
  runScenario,
} from "../../scenarios/index.ts";
import { createTraceFile, replayAsync, type TraceHeader } from "../../traces/index.ts";
import { shrinkDocument } from "../shrinking/shrink.ts";
import { type FoundViolation, runDocument } from "./run-document.ts";
import { type Finding, isTakenDown } from "./search.ts";

export interface SavedFinding {
  readonly invariant: string;
  readonly mechanism: string;
  readonly phase: string;
  readonly message: string;
  /** Number of the first run that found it, and how many did. */
  readonly run: number;
  readonly runs: number;
  readonly document: string;
  readonly trace: string;
  readonly reproduce: string;
  /** Operations and faults before and after it was shrunk. */
  readonly operations: readonly [found: number, left: number];
  readonly faults: readonly [found: number, left: number];
  readonly shrinkRuns: number;
  /** Everything that is left is needed: all further removals were tried. */
  readonly isMinimal: boolean;
  /** The trace replays, and the violation is in the replay. */
  readonly isReplayed: boolean;
}

export interface SaveOptions {
  readonly folder: string;
  readonly name: string;
  readonly mostRuns: number;
  readonly isStopped: () => boolean;
  readonly onProgress?: (runs: number, size: number) => void;
}

type Found = Pick<Finding, "violation" | "run" | "runs" | "document">;

export interface ShrunkAndSaved {
  readonly saved: SavedFinding;
  /** The document as a person would write it. */
  readonly smallest: JsonValue;
  /** Further removals that were tried, all without the violation. */
  readonly necessary: number;
}

export const saveFinding = async (
  scenario: ReadyScenario,
  found: Found,
  options: SaveOptions,
): Promise<SavedFinding> =>
  isTakenDown(found.violation)
    ? saveUntouched(found, options)
    : (await saveShrunk(scenario, found, options)).saved;

/** As it was found: making it again would take this process down as well. */
async function saveUntouched(found: Found, { folder, name }: SaveOptions): Promise<SavedFinding> {
  const file = join(folder, `${name}.json`);
  await writeFile(file, `${JSON.stringify(found.document, null, 2)}\n`);
  return { ...unsaved(found), document: file, reproduce: `npx orrery run ${file}` };
}

/** A finding that is told of only. */
export function unsaved({ violation, run, runs, document }: Found): SavedFinding {
  const { invariant, mechanism, phase, message } = violation;
  const [operations, faults] = [document.timeline.length, document.faults.length];
  return {
    invariant,
    mechanism,
    phase,
    message,
    run,
    runs,
    document: "",
    trace: "",
    reproduce: "",
    operations: [operations, operations],
    faults: [faults, faults],
    shrinkRuns: 0,
    isMinimal: false,
    isReplayed: false,
  };
}

export async function saveShrunk(
  scenario: ReadyScenario,
  { violation, run, runs, document }: Found,
  { folder, name, mostRuns, isStopped, onProgress }: SaveOptions,
): Promise<ShrunkAndSaved> {
  const { invariant, mechanism, phase, message } = violation;
  const shrunk = await shrinkDocument(scenario, document, {
    invariant,
    mechanism,
    mostRuns,
    isStopped,
    ...(onProgress && { onProgress }),
  });
  const resolved = shrunk?.resolved ?? document;
  const smallest = shrunk?.document ?? (document as unknown as JsonValue);
  const [documentFile, trace] = [join(folder, `${name}.json`), join(folder, `${name}.orrery`)];
  await writeFile(documentFile, `${JSON.stringify(smallest, null, 2)}\n`);
  const isReplayed = await recordAndReplay(scenario, resolved, trace, violation);
  const bringsParts = scenario.own.mechanisms.length + scenario.own.invariants.length > 0;
  const left = [resolved.timeline.length, resolved.faults.length] as const;
  const saved: SavedFinding = {
    invariant,
    mechanism,
    phase,
    message: shrunk?.violation.message ?? message,
    run,
    runs,
    document: documentFile,
    trace,
    reproduce: bringsParts ? `npx orrery replay ${trace}` : `npx orrery run ${documentFile}`,
    operations: [document.timeline.length, left[0]],
    faults: [document.faults.length, left[1]],
    shrinkRuns: shrunk?.runs ?? 0,
    isMinimal: shrunk?.isMinimal ?? false,
    isReplayed,
  };
  return { saved, smallest, necessary: shrunk?.necessary ?? 0 };
}

/** The first violation of a document's run, or the first of an invariant. */
export function violationOf(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  invariant?: string,
): FoundViolation | undefined {
  const { violations } = runDocument(scenario, document);
  return violations.find((each) => invariant === undefined || each.invariant === invariant);
}

async function recordAndReplay(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  trace: string,
  { invariant, mechanism }: FoundViolation,
): Promise<boolean> {
  const run = await runScenario(withDocument(scenario, document), {
    entropy: "seed",
    log: "full",
    untilNs: Math.floor(document.durationMs * 1e6),
    openTrace: (header: TraceHeader) => createTraceFile(trace, header),
  });
  const opened = await openRecordedRun(trace);
  if (!opened.ok) return false;
  const replayed = await replayAsync(opened.run, opened.builder, { sameCode: opened.sameCode });
  const again = replayed.world.checker.violations.some(
    (each) => each.invariant === invariant && each.mechanism === mechanism,
  );
  return replayed.verified && replayed.root === run.root && again;
}
