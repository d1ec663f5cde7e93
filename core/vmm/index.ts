/** The door of virtual machines: records, runs, power, stuns, boundary logs. */
export { adoptDisk } from "./adopt-disk.ts";
export {
  BOUNDARY_NOTICE,
  type BoundaryEntry,
  commitStep,
  type Crossed,
  type HeldOutput,
  ofGuest,
  type LoggedStep,
  settledLabel,
} from "./boundary.ts";
export { spawnContinuedRun } from "./continued-run.ts";
export { vmInvariants } from "./invariants.ts";
export { departRun, dropArrivingRun, leaveRun, spawnArrivingRun } from "./moved-run.ts";
export { LoneGuest, type LoneGuestParts, type LoneResult } from "./lone-guest.ts";
export { claimStop, suspendedBy } from "./stop-claim.ts";
export { PAUSED, RESUMED, stunsOfOthers, UNPAUSED } from "./integrity/standing.ts";
export { type OutputHash, withOutputs } from "./output-hash.ts";
export { DEVICE, type TraceHit } from "./pages/tracer.ts";
export { loadPages, readPages, setPrivate, settleMemory } from "./pages/content.ts";
export { type Granularity } from "./pages/costs.ts";
export { removeTraces, type TraceWish } from "./pages/clients.ts";
export {
  absentClients,
  absentClientsOf,
  absentPages,
  absentWish,
  fillAbsent,
  lackAll,
  onAbsentAccess,
} from "./pages/absent.ts";
export { charge } from "./pages/charges.ts";
export { type AccessHeld, holdAccess, releaseAccess } from "./pages/held.ts";
export { type Prefetch, type PrefetchFigures, prefetchNeighbours } from "./pages/prefetching.ts";
export { bitmapRanges } from "./pages/ranges.ts";
export { memoryOf } from "./pages/guest-memory.ts";
export {
  bitmapOf,
  clientBitmap,
  clientOf,
  type Access,
  knownMemory,
  type MemoryEntity,
  type MemoryState,
  type OnMove,
  PAGE_SECTORS,
  privatePages,
  type TraceClient,
} from "./pages/memory-state.ts";
export { differsAt, differsFrom, rememberContent } from "./pages/shadow-content.ts";
export { performOutput, performSeenOutput, progressReached } from "./perform-output.ts";
export {
  beginningOf,
  copyOfRun,
  type CopyParts,
  follow,
  type RunBeginning,
  type RunCopy,
} from "./run-copy.ts";
export { bringBackSettled } from "./outside.ts";
export { giveImage, imageOf, type RunImage } from "./run-image.ts";
export { timeOf } from "./rv64/clock.ts";
export { bootFiles, type Machines, machineShape, pagesOfFiles } from "./rv64/live-machine.ts";
export { LoneMachine, type LoneMachineResult } from "./rv64/lone-machine.ts";
export {
  type CopyKeeper,
  copyOfMachine,
  copyProgress,
  copyReaches,
  followMachine,
  resumeCopy,
  runCopy,
  shownByCopy,
} from "./rv64/machine-copy.ts";
export {
  type MachineConfig,
  type MachineCopy,
  type MachineEntity,
  type MachineEntry,
  type MachineState,
  type MachineStep,
  type Typing,
} from "./rv64/machine-state.ts";
export { attachDisks, diskResized } from "./vm.ts";
export { loseDisks, type VmEntity, type VmState } from "./vm-state.ts";
export {
  lostToCrash,
  outputHashes,
  type Policy,
  type VmConfig,
  type VmPlace,
  diskPlace,
  noteDiskPlace,
  numberMount,
  type VmRecord,
  type VmRecordState,
  vmRecordOf,
  leftAs,
  livesOf,
  noteResumption,
} from "./vm-record.ts";
export {
  createVmm,
  giveUpRun,
  powerOn,
  powerStateOf,
  spawnVmRecord,
  vmOf,
  type Vmm,
} from "./vmm.ts";
