/** The door of checkpoints: memory and devices of a running machine in a file, and back. */
export { checkpointComponents } from "./components.ts";
export { checkpointInvariants } from "./invariants.ts";
export { type MachineMoves, movableRestore, referenceBytes } from "./restore/moving.ts";
export { RESTORE_CLIENT } from "./restore/restorer-state.ts";
export { mergeCheckpoints } from "./merge/merge-checkpoints.ts";
export { type MergeParams } from "./merge/merge-state.ts";
export { restoreCheckpoint, type RestoreParams } from "./restore/restore-checkpoint.ts";
export { checkpoint } from "./save/checkpoint.ts";
export { type CheckpointParams } from "./save/checkpoint-params.ts";
export { settleCheckpoints } from "./settle.ts";
