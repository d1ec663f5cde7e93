/** Figures of a backup. */
import { done, fail, type Plain, type Step } from "../../kernel/index.ts";
import type { BackupOp } from "./backup-state.ts";

export function backupEnd({ state }: BackupOp, nowNs: number): Step {
  const { failure, copiedSectors, stunNs, consolidation, manifest, startedNs } = state;
  if (failure !== null) return fail(failure.code, failure.detail);
  return done({
    copiedSectors,
    stunNs,
    incremental: manifest!.base !== null,
    durationNs: nowNs - startedNs,
    consolidation: consolidation as Plain,
  });
}
