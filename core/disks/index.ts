/** The door of virtual disks: chains, snapshots, power-on with recovery, invariants. */
export { type Unopened, unopened } from "./handoff/unopened.ts";
export { askArray, type FileValue, readFileIfAny } from "./chain/array-requests.ts";
export { askDevice, askInstance, DRAIN_POLL_NS } from "./chain/open-disks.ts";
export { viewOf } from "./chain/device-view.ts";
export { surelyWrite, type Written } from "./chain/surely-write.ts";
export { type DiskStates, diskStates } from "./chain/disk-states.ts";
export * from "./chain/descriptor.ts";
export * from "./chain/vmdk-descriptor.ts";
export { runningView } from "./chain/running-view.ts";
export { diskInvariants } from "./chain/invariants.ts";
export type { VolumeAccess } from "./chain/open-device.ts";
export { provisionDisks, type NewDisk } from "./chain/provision.ts";
export { diskCheckpoint } from "./checkpoint/disk-checkpoint.ts";
export { diskComponents } from "./components.ts";
export { backup } from "./backup/backup.ts";
export { cowBackup } from "./backup/cow-backup.ts";
export { restore } from "./backup/restore.ts";
export { cloneRunning, type CloneRunningParams } from "./clone/clone-running.ts";
export { linkedClone } from "./clone/linked-clone.ts";
export { abort } from "./consolidation/abort.ts";
export { blockMergeConsolidate } from "./consolidation/block-merge.ts";
export { consolidate } from "./consolidation/consolidate.ts";
export { iterativeConsolidate } from "./consolidation/iterative.ts";
export { offlineConsolidate } from "./consolidation/offline-consolidate.ts";
export { isBranch } from "./consolidation/is-branch.ts";
export { promote } from "./promotion/promote.ts";
export type { LocalDisk } from "./local/local-disk.ts";
export * from "./local/local-mirror.ts";
export type { MediumIo } from "./local/remote-medium.ts";
export { COPY_SECTORS } from "./consolidation/copy-plan.ts";
export { moveFormat } from "./move/move-format.ts";
export { growDisk } from "./grow/grow-disk.ts";
export { growInvariants } from "./grow/invariants.ts";
export { handoffInvariants } from "./handoff/invariants.ts";
export { ownClockNs, ownDelayNs } from "./handoff/own-clock.ts";
export { ownDisks } from "./handoff/own-disks.ts";
export { keeperOf, spawnKeeper } from "./handoff/keeper.ts";
export { isDrained, isUnwritten } from "./chain/virtual-disk.ts";
export type { VirtualDiskEntity } from "./chain/virtual-disk-state.ts";
export { type OwnershipRules } from "./handoff/keeper-state.ts";
export {
  owningOf,
  powerOn,
  type PowerOnDisk,
  type PowerOnParams,
  takesOver,
} from "./power/power-on.ts";
export { revertRunning } from "./power/revert-running.ts";
export { powerOff, stun, unpause, unstun } from "./power/power-operations.ts";
export { collectGarbage } from "./cow/collect-garbage.ts";
export { copyHierarchy } from "./cow/copy-hierarchy.ts";
export { cowLinkedClone } from "./cow/cow-linked-clone.ts";
export { cowSnapshot } from "./cow/cow-snapshot.ts";
export { deletePoint } from "./cow/delete-point.ts";
export { revert } from "./cow/revert.ts";
export { splitClone } from "./cow/split-clone.ts";
export { runningKind } from "./cow/running-kind.ts";
export { revertRedo } from "./snapshot/revert-redo.ts";
export type { OpenDisk } from "./chain/open-disks.ts";
export { snapshot, type SnapshotParams } from "./snapshot/snapshot.ts";
