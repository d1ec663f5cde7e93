/** The door of the debugger's side: opening a recorded guest, and serving GDB. */
export type { DebugTarget } from "./debug-target.ts";
export { type GuestOpened, openGuest } from "./open-guest.ts";
export { serveGdb, type GdbServed } from "./server.ts";
