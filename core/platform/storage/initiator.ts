/**
 * A host's handle of one volume of an array: sends block requests over one of several paths and
 * fails over to the next when no answer comes in time.
 *
 * Must hold: requests under way are state and die with the host; a request keeps its number however
 * often it is sent, so the array applies it once (array-sessions.ts). Requests sent again are told
 * as the notice "path-failover" {from, to, number}. Handler: `io` (block contract); when every
 * attempt ran out of time the answer is "path-lost". The numbers of an earlier boot of the host are
 * told apart by the incarnation of its domain. What an array with a volatile cache may forget is kept
 * until it is flushed, and sent again when the array was restarted (unflushed.ts, catch-up.ts).
 */
import {
  assert,
  component,
  type Entity,
  type EntityId,
  type Reply,
  type Request,
  type World,
} from "../../kernel/index.ts";
import { isTaken, noteEnded, sendOnceLevel } from "./catch-up.ts";
import { answer, type BlockRequest, LATENCY_SERIES, withoutBody } from "./block.ts";
import { keeperName, type OwnerStamp } from "./ownership.ts";
import {
  enter,
  type InitiatorConfig,
  type InitiatorEntity,
  type InitiatorState,
  placeOf,
} from "./initiator-state.ts";
import { sendAgain } from "./send-again.ts";

export const initiator = component<InitiatorConfig, Record<never, never>, InitiatorState>({
  kind: "initiator",
  volatile: () => ({ next: 1, path: 0, outstanding: [] }),
  handlers: { io: takeIo, answered },
  direct: ["io"],
});

function takeIo(self: InitiatorEntity, request: Request<BlockRequest>): void {
  sendOnceLevel(self, enter(self, withoutBody(request), request.body));
}

function answered(self: InitiatorEntity, reply: Reply): void {
  const number = reply.tag as number;
  const at = placeOf(self, number);
  if (at < 0) return;
  const entry = self.volatile.outstanding[at]!;
  if (!reply.ok && reply.code === "timeout") return sendAgain(self, at, entry);
  if (!isTaken(self, at, reply)) return;
  if (!reply.ok && reply.code === "not-owner") tellFenced(self);
  const { request, io, arrivedNs } = entry;
  self.edit().outstanding.splice(at, 1);
  if (request === null) return noteEnded(self, entry, reply);
  if (io.op !== "discard") self.measure(LATENCY_SERIES[io.op], self.simulatedNs - arrivedNs);
  answer(self, request, reply);
}

/** Whoever answers for the host's disks learns that this one is somebody else's by now. */
function tellFenced(self: InitiatorEntity): void {
  self.measure("not-owner", 1);
  const { stamp } = self.config;
  const keeper = stamp === null ? undefined : self.world.registry.idOf(keeperName(stamp.owner));
  if (keeper !== undefined) self.send(keeper, "fenced", { file: stamp!.file, epoch: stamp!.epoch });
}

export type InitiatorOptions = {
  readonly array: EntityId;
  readonly volume: string;
  readonly paths?: readonly EntityId[];
  /** Default: 1 s. */
  readonly timeoutNs?: number;
  /** Default: three rounds over all paths. */
  readonly attempts?: number;
  /** Default: the name of the host's entity that spawns it. */
  readonly owner?: string;
  /** Default: none. */
  readonly stamp?: OwnerStamp | null;
};

const TIMEOUT_NS = 1_000_000_000;

/** A handle in the domain of `creator`, under the name `CREATOR/initiator-N` or `options.name`. */
export function spawnInitiator(
  world: World,
  creator: Entity,
  options: InitiatorOptions & { readonly name?: string },
): InitiatorEntity {
  const { array, volume, paths = [], timeoutNs = TIMEOUT_NS, owner = creator.name } = options;
  const attempts = options.attempts ?? 3 * Math.max(1, paths.length);
  assert(attempts >= 1 && timeoutNs > 0, "an initiator needs an attempt and a time-out");
  const { stamp = null } = options;
  const config: InitiatorConfig = { array, volume, paths, timeoutNs, attempts, owner, stamp };
  const name = options.name === undefined ? {} : { name: options.name };
  return world.spawn(initiator, config, { creator, ...name });
}
