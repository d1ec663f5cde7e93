/** The door of guests: the interface, what modelled guests share, and the built-in kinds. */
export * as integrity from "./integrity/index.ts";
export * as rv64 from "./rv64/index.ts";
export * from "./guest.ts";
export type { AnyGuestKind, GuestKind } from "./guest-kind.ts";
export { type BlockWish, type Completed, type GuestHome } from "./guest-handle.ts";
export {
  guestKinds,
  initialJournal,
  initialState,
  kindOf,
  referenced,
  resolved,
  step,
  type GuestKinds,
} from "./machine.ts";
export { REAL_GUEST, realGuest } from "./real-guest.ts";
export { type ModelledConfig, type ModelledKind } from "./modelled-guest.ts";
export {
  captureProblem,
  prepareCapture,
  type CaptureColumns,
  type CaptureProblem,
  type PreparedCapture,
} from "./workload/capture-input.ts";
export { capturedGuest, type CapturedConfig } from "./workload/captured.ts";
export { workloadGuest } from "./workload/workload.ts";
export {
  workloadConfig,
  type BlockStreamWish,
  type GuardWish,
  type NetworkWish,
  type WorkingSetWish,
  type WorkloadConfig,
  type WorkloadWish,
} from "./workload/workload-config.ts";
