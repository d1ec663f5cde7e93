/** The door of virtual disks: chains, snapshots, power-on with recovery, invariants. */
export { diskInvariants } from "./invariants.ts";
export { type ChainLayer, runningContent } from "./chain-view.ts";
export * from "./descriptor.ts";
export type { VolumeAccess } from "./open-device.ts";
export { powerOn, type LocalDisk, type PowerOnDisk, type PowerOnParams } from "./power-on.ts";
export { powerOff, stun, unstun } from "./power-operations.ts";
export { provisionDisks, type NewDisk } from "./provision.ts";
export { snapshot, type SnapshotDisk, type SnapshotParams } from "./snapshot.ts";
export { virtualDisk, type VirtualDiskEntity } from "./virtual-disk.ts";
