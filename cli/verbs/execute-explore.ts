/** Executes `orrery explore`: searches, or puts together what others searched. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  BLOCK_RUNS,
  explore,
  GENERATED,
  mergeResults,
  openSearched,
  readResult,
  type SearchResult,
  unsaved,
} from "../../properties/index.ts";
import type { Context } from "../context.ts";
import { type ExitCode, worstExit } from "../exit-codes.ts";
import { executeExhaustive } from "./execute-exhaustive.ts";
import type { ExploreFlags } from "./explore.ts";
import { report, saveAndReport, whyUnwritable, writeResult } from "./explore-report.ts";

const DEFAULT_RUNS = 1_000;

export async function executeExplore(
  context: Context,
  file: string,
  flags: ExploreFlags,
): Promise<ExitCode> {
  const { seed = 1, strategy = "swarm", shard = { index: 0, of: 1 }, set = [] } = flags;
  const prepared = await openSearched(file, set);
  if (!prepared.ok) return context.badInput(prepared.problems);
  const { scenario } = prepared;
  const unwritable = flags.out === undefined ? undefined : whyUnwritable(flags.out);
  if (unwritable !== undefined) return context.missing(unwritable);
  if (strategy === "exhaustive") return executeExhaustive(context, scenario, flags);
  if (flags.resume === true) return context.usage("--resume: needs --strategy exhaustive");
  const workers = flags.workers ?? availableParallelism();
  const runs = flags.runs ?? (flags.for === undefined ? DEFAULT_RUNS : Infinity);
  const startedMs = performance.now();
  const explored = await explore(scenario, {
    request: {
      scenario: file,
      settings: set,
      seed,
      strategy,
      blockRuns: BLOCK_RUNS,
      auditAll: flags.audit === true,
    },
    limits: { runs, shard, findings: flags.findings ?? Infinity },
    workers,
    ...(flags.for !== undefined && { forMs: flags.for }),
    signal: context.signal,
    onProgress: ({ runs: made, tally }) => {
      const seconds = (performance.now() - startedMs) / 1_000;
      const rate = Math.round(made / seconds);
      const of = Number.isFinite(runs) ? ` of ${runs.toLocaleString("en")}` : "";
      const timesReal = Math.round(tally.simulatedNs / 1e9 / seconds);
      context.progress.update(
        `${made.toLocaleString("en")}${of} runs  ${rate} runs/s  ${timesReal} times real  ` +
          `${Object.keys(tally.cells).length} cells  ${tally.findings.length} findings`,
      );
    },
  });
  if (!explored.ok) return context.missing(explored.message);
  const { result, wallMs, lostWorkers, cost, trouble } = explored;
  const speed = { wallMs, lostWorkers, workers };
  const more = { cpuMs: cost, ...(trouble !== undefined && { trouble }) };
  const exit = await saveAndReport(context, scenario, result, speed, flags, more);
  return trouble === undefined ? exit : worstExit([exit, context.missing(trouble)]);
}

/** A search without a scenario. */
export async function executeGenerated(
  context: Context,
  files: readonly string[],
  flags: ExploreFlags,
): Promise<ExitCode> {
  if (files.length > 0) return context.usage("--generate takes no scenario");
  if (flags.strategy === "exhaustive") return context.usage("exhaustive: needs a scenario");
  if (flags.set !== undefined) return context.usage("--generate: there is nothing to --set");
  return executeExplore(context, GENERATED, flags);
}

/** Results of shards as one; their findings were saved by those who made them. */
export async function executeMerge(
  context: Context,
  files: readonly string[],
  flags: ExploreFlags,
): Promise<ExitCode> {
  let merged: SearchResult | undefined;
  for (const file of files) {
    const read = await readResult(file);
    if (typeof read === "string") return context.usage(`${file}: ${read}`);
    const both: SearchResult | string = merged === undefined ? read : mergeResults(merged, read);
    if (typeof both === "string") return context.usage(`${file} and those before it ${both}`);
    merged = both;
  }
  if (merged === undefined) return context.usage("--merge: expected result files");
  const path = flags.out === undefined ? null : join(flags.out, "search.json");
  try {
    if (path !== null) await writeResult(flags.out!, merged);
  } catch (error) {
    return context.missing(`${path} cannot be written: ${(error as Error).message}`);
  }
  const saved = merged.tally.findings.map(unsaved);
  const about = { saved, path, wallMs: 0, lostWorkers: 0, workers: 0 };
  return report(context, merged, about, flags);
}
