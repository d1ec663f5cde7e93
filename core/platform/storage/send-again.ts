/**
 * A request that was not answered in time: over the next path, or given up as "path-lost".
 *
 * Must hold: what is sent again goes to an array that is level; it waits for that otherwise.
 */
import { answer, refused } from "./block.ts";
import { noteEnded, sendOnceLevel } from "./catch-up.ts";
import { type InitiatorEntity, type Outstanding, transmit } from "./initiator-state.ts";

/** The path in use changes once for all that were sent over it. `isPatient`: it is never given up. */
export function sendAgain(
  self: InitiatorEntity,
  at: number,
  entry: Outstanding,
  isPatient = false,
): void {
  const { paths, attempts } = self.config;
  if (self.volatile.path === entry.path) {
    self.edit().path = (entry.path + 1) % Math.max(1, paths.length);
  }
  if (entry.attempts >= attempts && !isPatient) return loseIt(self, at, entry);
  const { path, unflushed } = self.volatile;
  if (entry.again === undefined && unflushed !== undefined && unflushed.state !== "level") {
    return sendOnceLevel(self, at);
  }
  self.notice("path-failover", { from: entry.path, to: path, number: entry.number });
  self.measure("path-failovers", 1);
  transmit(self, at);
}

function loseIt(self: InitiatorEntity, at: number, entry: Outstanding): void {
  self.edit().outstanding.splice(at, 1);
  self.measure("path-lost", 1);
  const lost = refused("path-lost");
  if (entry.request === null) noteEnded(self, entry, lost);
  else answer(self, entry.request, lost);
}
