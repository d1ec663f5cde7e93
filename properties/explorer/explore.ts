/** A whole search: workers, limits of runs and time, and its result as a file would hold it. */
import type { ReadyScenario } from "../../scenarios/index.ts";
import { codeVersion } from "../../traces/index.ts";
import {
  Coordinator,
  type SearchCost,
  type SearchLimits,
  type SearchProgress,
} from "./coordinator.ts";
import { RESULT_FORMAT, type SearchResult } from "./result-file.ts";
import type { SearchRequest } from "./search.ts";

export interface ExploreOptions {
  readonly request: SearchRequest;
  readonly limits: SearchLimits;
  readonly workers: number;
  /** Wall time after which no new runs begin. */
  readonly forMs?: number;
  readonly signal?: AbortSignal;
  /** Told twice a second. */
  readonly onProgress?: (progress: SearchProgress) => void;
  /** Process ids of the workers, when they have been started. */
  readonly onWorkers?: (pids: readonly (number | undefined)[]) => void;
}

export type Explored =
  | {
      readonly ok: true;
      readonly result: SearchResult;
      readonly lostWorkers: number;
      /** Why the search ended before it had done all; what it had found is in the result. */
      readonly trouble: string | undefined;
      readonly wallMs: number;
      /** And what this process did itself. */
      readonly cost: SearchCost & { readonly coordinating: number };
    }
  | { readonly ok: false; readonly message: string };

const PROGRESS_MS = 500;

export async function explore(scenario: ReadyScenario, options: ExploreOptions): Promise<Explored> {
  const { request, limits, workers, forMs, signal, onProgress, onWorkers } = options;
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const coordinator = new Coordinator(request, limits, workers);
  onWorkers?.(coordinator.pids);
  const stop = (): void => coordinator.stop();
  signal?.addEventListener("abort", stop, { once: true });
  const timer = forMs === undefined ? undefined : setTimeout(stop, forMs);
  const ticks = setInterval(() => onProgress?.(coordinator.progress()), PROGRESS_MS);
  try {
    const outcome = await coordinator.outcome();
    const { blocks, audited, tally, mismatches, lostWorkers, trouble } = outcome;
    if (trouble !== undefined && blocks.length === 0) return { ok: false, message: trouble };
    const result: SearchResult = {
      format: RESULT_FORMAT,
      codeVersion: codeVersion(),
      scenario: scenario.document.name,
      scenarioHash: scenario.hash,
      seed: request.seed,
      strategy: request.strategy,
      blockRuns: request.blockRuns,
      asked: Number.isFinite(limits.runs) ? limits.runs : null,
      blocks,
      audited,
      tally,
      mismatches,
    };
    const { user, system } = process.cpuUsage(before);
    const cost = { ...outcome.cost, coordinating: (user + system) / 1_000 };
    const wallMs = Math.round(performance.now() - startedMs);
    return { ok: true, result, lostWorkers, trouble, wallMs, cost };
  } finally {
    clearTimeout(timer);
    clearInterval(ticks);
    signal?.removeEventListener("abort", stop);
  }
}
