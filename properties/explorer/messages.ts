/** What the search and its workers tell each other, over the channel that Node gives them. */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import type { CrashResult, CrashTask } from "../crash-enumeration/crash-task.ts";
import type { AuditTask, BlockResult, Mismatch, SearchRequest } from "./search.ts";

export interface BlockTask {
  readonly block: number;
  readonly runs: number;
  readonly skip: readonly number[];
  /** Findings with which it ends; null: none are enough. */
  readonly findings: number | null;
}

export type ToWorker =
  | { readonly type: "open"; readonly request: SearchRequest }
  | { readonly type: "block"; readonly task: BlockTask; readonly careful: boolean }
  | { readonly type: "audit"; readonly task: AuditTask }
  | { readonly type: "crashes"; readonly task: CrashTask }
  | { readonly type: "stop" };

/** `cpuMs`: processor time of the worker since it last said so, or since it was started. */
export type FromWorker =
  | { readonly type: "ready"; readonly cpuMs: number }
  /** The scenario cannot be loaded here. */
  | { readonly type: "refused"; readonly message: string }
  /** A run is drawn; again when it begins, with its document, where the worker was told to be careful. */
  | { readonly type: "running"; readonly run: number; readonly document?: ResolvedScenario }
  | { readonly type: "block"; readonly result: BlockResult; readonly cpuMs: number }
  /** What it does takes long, and goes on. */
  | { readonly type: "alive" }
  /** A piece of an enumeration of crashes is done. */
  | { readonly type: "crashed"; readonly result: CrashResult }
  | { readonly type: "audited"; readonly mismatch: Mismatch | null; readonly cpuMs: number }
  /** The last that is heard of it: what nobody caught. */
  | { readonly type: "threw"; readonly message: string };
