/** The door of the debugger's side: a recorded guest served to GDB. */
export { serveGdb, type GdbServed } from "./server.ts";
