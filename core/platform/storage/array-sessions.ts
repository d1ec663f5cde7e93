/**
 * Requests that were sent more than once. An initiator numbers its requests and says which is the
 * oldest that it still waits for; the array remembers the numbers from there on.
 *
 * Must hold: a write takes effect once per number, and never after it was answered or its sender
 * was restarted; so a copy that was held up on a slow path cannot come back over later writes. What
 * is remembered dies with the array, and so do, by their incarnation, all copies on their way.
 */
import type { Request } from "../../kernel/index.ts";
import type { ArrayEntity, Session } from "./array-state.ts";
import { type BlockOutcome, type BlockRequest, DONE, withoutBody } from "./block.ts";
import type { DeviceOp } from "./device-state.ts";
import type { OwnerStamp } from "./ownership.ts";

/** A block request as an initiator sends it. */
export type VolumeIo = {
  readonly volume: string;
  readonly request: BlockRequest;
  /** Name of the initiator; rises in `session` each time its host restarts. */
  readonly sender: string;
  readonly session: number;
  readonly number: number;
  /** The lowest number that the sender still waits for. */
  readonly oldest: number;
  /** Claimed volumes take requests of their owner only. */
  readonly owner: string;
  /** The sender's right to the disk; null or absent: the disk has no owner. */
  readonly stamp?: OwnerStamp | null;
};

/**
 * What to do with a request that arrived: serve it, answer as before, or nothing (a copy of it is
 * in the queue and will answer, or nobody waits for it any more).
 */
export type Admission =
  | { readonly do: "serve" }
  | { readonly do: "answer"; readonly outcome: BlockOutcome }
  | { readonly do: "nothing" };

const NOTHING: Admission = { do: "nothing" };
const SERVE: Admission = { do: "serve" };

const senderKey = (sender: string): string => `sender:${sender}`;

export function admit(self: ArrayEntity, io: VolumeIo, request: Request): Admission {
  const known = self.volatile.sessions[senderKey(io.sender)];
  if (known !== undefined && io.session < known.session) {
    self.notice("sometimes", { name: "a request of an earlier session is dropped" });
    return NOTHING;
  }
  const session = enter(self, io, known);
  if (io.number < session.oldest) return NOTHING;
  const seen = session.seen[io.number];
  if (seen === undefined) return SERVE;
  if (seen === 0) {
    return io.request.op === "read" ? SERVE : { do: "answer", outcome: DONE };
  }
  redirectAnswer(self, seen, request);
  return NOTHING;
}

/** Notes the sender's session and window; what is below the window is forgotten. */
function enter(self: ArrayEntity, io: VolumeIo, known: Session | undefined): Session {
  const key = senderKey(io.sender);
  if (known === undefined || io.session > known.session) {
    const fresh = { session: io.session, oldest: io.oldest, seen: {} };
    self.edit().sessions[key] = fresh;
    return fresh;
  }
  if (io.oldest <= known.oldest) return known;
  const edited = self.edit().sessions[key]!;
  for (const number of Object.keys(edited.seen)) {
    if (Number(number) < io.oldest) delete edited.seen[number];
  }
  edited.oldest = io.oldest;
  return edited;
}

/** The answer goes to the latest copy: the path of an earlier one may be lost. */
function redirectAnswer(self: ArrayEntity, id: number, request: Request): void {
  const state = self.edit();
  const op = state.active[id] ?? state.waiting.find((each) => each.id === id);
  if (op !== undefined) op.request = withoutBody(request) as typeof op.request;
}

/** Notes that the request with this number is queued as `id`. */
export function noteQueued(self: ArrayEntity, io: VolumeIo, id: number): void {
  self.edit().sessions[senderKey(io.sender)]!.seen[io.number] = id;
}

/** Notes how a request ended: a refused one may be sent again and is then served again. */
export function noteEnded(self: ArrayEntity, op: DeviceOp, outcome: BlockOutcome): void {
  const seen = self.volatile.sessions[senderKey(op.sender)]?.seen;
  if (seen?.[op.number] !== op.id) return;
  const edited = self.edit().sessions[senderKey(op.sender)]!;
  if (outcome.ok) edited.seen[op.number] = 0;
  else delete edited.seen[op.number];
}

/** Whether the sender has not restarted since it sent this. */
export function isCurrent(self: ArrayEntity, op: DeviceOp): boolean {
  if (op.sender === "") return true;
  const known = self.volatile.sessions[senderKey(op.sender)];
  return known === undefined || known.session === op.session;
}
