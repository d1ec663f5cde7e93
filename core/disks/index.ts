/** The door of virtual disks: chains, snapshots, power-on with recovery, invariants. */
export { type DiskStates, diskStates } from "./chain/disk-states.ts";
export * from "./chain/descriptor.ts";
export * from "./chain/vmdk-descriptor.ts";
export { runningView } from "./chain/running-view.ts";
export { diskInvariants } from "./chain/invariants.ts";
export type { VolumeAccess } from "./chain/open-device.ts";
export { provisionDisks, type NewDisk } from "./chain/provision.ts";
export { diskComponents } from "./components.ts";
export { linkedClone } from "./clone/linked-clone.ts";
export { abort } from "./consolidation/abort.ts";
export { consolidate } from "./consolidation/consolidate.ts";
export { promote } from "./promotion/promote.ts";
export { handoffInvariants } from "./handoff/invariants.ts";
export { spawnKeeper } from "./handoff/keeper.ts";
export { type OwnershipRules } from "./handoff/keeper-state.ts";
export { powerOn, type LocalDisk, type PowerOnDisk, type PowerOnParams } from "./power/power-on.ts";
export { powerOff, stun, unstun } from "./power/power-operations.ts";
export { snapshot, type SnapshotDisk, type SnapshotParams } from "./snapshot/snapshot.ts";
