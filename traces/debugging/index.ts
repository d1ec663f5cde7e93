/** The door of debugging: a recorded real guest at any instruction, for GDB and for `why`. */
export type {
  DebugTarget,
  Direction,
  Halted,
  RegisterName,
  Stops,
  WatchKind,
} from "./debug-target.ts";
export { type GuestOpened, openGuest } from "./open-guest.ts";
export { Diverged } from "./recorded-board.ts";
