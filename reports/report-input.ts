/** What a report is made of: one recorded run, read from its trace. */
import type { Damage, RecordedRun, RunSummary } from "../traces/index.ts";

export interface ReportInput {
  /** As the user named it: goes into the reproducing commands. */
  readonly file: string;
  readonly run: RecordedRun;
  readonly summary: RunSummary;
  readonly status: "whole" | "salvaged";
  readonly damage: Damage | undefined;
}
