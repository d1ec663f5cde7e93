/**
 * Which operation settles what a crash left half done. A VM has one intent at most: a file on its
 * array that an operation makes durable before anything else, and removes last. Power-on finds it
 * and performs the recovery of its kind, which sees durable state alone and removes the intent when
 * all is settled.
 *
 * A mechanism that opens intents adds its recovery here.
 */
import type { EntityId, OperationComponent } from "../../kernel/index.ts";
import type { DiskIntent, VmConfiguration } from "../chain/descriptor.ts";
import { recoverReplacement } from "../clone/recover-replacement.ts";
import { consolidate } from "../consolidation/consolidate.ts";
import { recoverConsolidation } from "../consolidation/recover-consolidation.ts";
import { recoverOfflineMerge } from "../consolidation/recover-offline-merge.ts";
import { recoverCollect } from "../cow/collect-garbage.ts";
import { recoverCowSnapshot } from "../cow/recover-cow-snapshot.ts";
import { recoverDelete } from "../cow/delete-point.ts";
import { recoverCloneName, recoverHierarchy } from "../cow/recover-hierarchy.ts";
import { recoverRevert } from "../cow/recover-revert.ts";
import { recoverGrow } from "../grow/recover-grow.ts";
import { recoverPromotion } from "../promotion/recover-promotion.ts";
import { recoverRevertRedo } from "../snapshot/revert-redo.ts";
import { recoverSnapshot } from "../snapshot/recover-snapshot.ts";

/** What every recovery is given. */
export type RecoveryParams<Intent extends DiskIntent> = {
  readonly vm: string;
  /** Entity of the array that keeps the VM's files. */
  readonly array: EntityId;
  readonly intent: Intent;
  readonly configuration: VmConfiguration;
};

export const RECOVERIES: { readonly [kind in DiskIntent["kind"]]: OperationComponent } = {
  "clone-name": recoverCloneName,
  collect: recoverCollect,
  consolidate: recoverConsolidation,
  grow: recoverGrow,
  "offline-merge": recoverOfflineMerge,
  "linked-clone": recoverReplacement,
  restore: recoverReplacement,
  promote: recoverPromotion,
  "copy-hierarchy": recoverHierarchy,
  "cow-delete": recoverDelete,
  "cow-revert": recoverRevert,
  "cow-snapshot": recoverCowSnapshot,
  "redo-revert": recoverRevertRedo,
  snapshot: recoverSnapshot,
};

/**
 * The operation that goes on, once the VM runs, where a recovery left off (its figures said
 * `resume`); it is given the intent as `resume`, beside the open disks. Whatever the method was, the
 * rest is merged with a mirror.
 */
export function resumption(intent: DiskIntent): OperationComponent | undefined {
  return intent.kind === "consolidate" ? consolidate : undefined;
}
