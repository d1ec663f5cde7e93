/** The platform's door: hosts, processors, clocks, networks and storage. */
export * from "./storage/block.ts";
export * from "./storage/disk.ts";
export * from "./storage/array.ts";
export * from "./storage/array-state.ts";
export type { VolumeIo } from "./storage/array-sessions.ts";
export type { FileVersion } from "./storage/metadata-files.ts";
export {
  type DiskOwnership,
  HEARTBEAT_SUFFIX,
  keeperName,
  OWNED_IO,
  OWNER_SUFFIX,
  OWNERSHIP,
  type OwnerStamp,
} from "./storage/ownership.ts";
export type { ArmFault } from "./storage/faults.ts";
export type { FaultRatesConfig } from "./storage/fault-rates.ts";
export type { ServiceTime } from "./storage/service-time.ts";
export * from "./storage/initiator.ts";
export {
  enter,
  type InitiatorConfig,
  type InitiatorEntity,
  type InitiatorState,
  type Outstanding,
  placeOf,
} from "./storage/initiator-state.ts";
export { isTaken, noteEnded, sendOnceLevel, sendWaiting } from "./storage/catch-up.ts";
export { sendAgain } from "./storage/send-again.ts";
export { keepsUnflushed } from "./storage/unflushed.ts";
export { loadDisk, loadVolume } from "./storage/load-content.ts";
export * from "./storage/page-cache.ts";
export * from "./storage/page-pool.ts";
export { type CacheMode, dirtyPagesOf, type PageCacheEntity } from "./storage/page-cache-state.ts";
export * from "./network/link.ts";
export * from "./network/nic.ts";
export { cpuInvariants, type CpuConfig, type CpuEntity, type RunRequest } from "./host/cpu.ts";
export type { ClockConfig, NtpConfig } from "./host/clock.ts";
export * from "./host/host.ts";
export { storageInvariants } from "./storage/invariants.ts";
export { filesChangedSince } from "./storage/file-journal.ts";
export type { Hold } from "./storage/vvols/hierarchy.ts";
export { vvolInvariants } from "./storage/vvols/vvol-invariants.ts";
export {
  type TaskItem,
  type VasaFaults,
  type VvolsEntity,
  cloneHolder,
  vvolsOf,
} from "./storage/vvols/vvol-state.ts";
export {
  addVvol,
  type ArmVasaFault,
  listVvols,
  spawnVvols,
  type VvolInfo,
} from "./storage/vvols/vvols.ts";
