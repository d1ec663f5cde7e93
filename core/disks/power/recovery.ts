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
  snapshot: recoverSnapshot,
};
