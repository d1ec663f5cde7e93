/**
 * A host's handle of one volume of an array: sends block requests over one of several paths and
 * fails over to the next when no answer comes in time.
 *
 * Must hold: requests under way are state and die with the host; a request keeps its number however
 * often it is sent, so the array applies it once (array-sessions.ts). Requests sent again are told
 * as the notice "path-failover" {from, to, number}. Handler: `io` (block contract); when every
 * attempt ran out of time the answer is "path-lost". The numbers of an earlier boot of the host are
 * told apart by the incarnation of its domain.
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
import type { VolumeIo } from "./array-sessions.ts";
import {
  answer,
  type BlockRequest,
  bytesOut,
  HEADER_BYTES,
  LATENCY_SERIES,
  refused,
  withoutBody,
} from "./block.ts";
import { keeperName, type OwnerStamp } from "./ownership.ts";

export type InitiatorConfig = {
  readonly array: EntityId;
  readonly volume: string;
  /** Carriers to the array, the preferred one first; none: the kernel's first. */
  readonly paths: readonly EntityId[];
  /** Time without an answer after which the next path is tried. */
  readonly timeoutNs: number;
  /** How often a request is sent before it fails. */
  readonly attempts: number;
  /** Name under which a volume is claimed. */
  readonly owner: string;
  /** Right to the disk that the volume belongs to, put on every request; null: it has no owner. */
  readonly stamp: OwnerStamp | null;
};

type Outstanding = {
  readonly number: number;
  /** Whom to answer; without its body. */
  readonly request: Request;
  readonly io: BlockRequest;
  readonly attempts: number;
  readonly path: number;
  readonly arrivedNs: number;
};

export type InitiatorState = {
  readonly next: number;
  /** Index of the path in use. */
  readonly path: number;
  /** In the order of their numbers. */
  readonly outstanding: readonly Outstanding[];
};

export type InitiatorEntity = Entity<InitiatorConfig, Record<never, never>, InitiatorState>;

export const initiator = component<InitiatorConfig, Record<never, never>, InitiatorState>({
  kind: "initiator",
  volatile: () => ({ next: 1, path: 0, outstanding: [] }),
  handlers: { io: takeIo, answered },
  direct: ["io"],
});

function takeIo(self: InitiatorEntity, request: Request<BlockRequest>): void {
  const state = self.edit();
  const number = state.next++;
  (state.outstanding as Outstanding[]).push({
    number,
    request: withoutBody(request),
    io: request.body,
    attempts: 0,
    path: state.path,
    arrivedNs: self.simulatedNs,
  });
  transmit(self, state.outstanding.length - 1);
}

function transmit(self: InitiatorEntity, at: number): void {
  const { array, volume, paths, timeoutNs, owner, stamp } = self.config;
  const { outstanding, path } = self.volatile;
  const { io, number } = outstanding[at]!;
  const edited = self.edit().outstanding[at]!;
  edited.attempts++;
  edited.path = path;
  const body: VolumeIo = {
    volume,
    request: io,
    sender: self.name,
    session: self.world.incarnationOf(self.domain),
    number,
    oldest: outstanding[0]!.number,
    owner,
    stamp,
  };
  const via = paths[path];
  const bytes = HEADER_BYTES + bytesOut(io);
  const options = { then: "answered", tag: number, timeoutNs, bytes, via: via ?? -1 };
  self.ask(array, "volume-io", body, options);
}

/** Its place among those outstanding; -1 when it is none of them. */
function placeOf(outstanding: InitiatorState["outstanding"], number: number): number {
  for (let at = 0; at < outstanding.length; at++) {
    if (outstanding[at]!.number === number) return at;
  }
  return -1;
}

function answered(self: InitiatorEntity, reply: Reply): void {
  const number = reply.tag as number;
  const at = placeOf(self.volatile.outstanding, number);
  if (at < 0) return;
  const entry = self.volatile.outstanding[at]!;
  if (!reply.ok && reply.code === "timeout") return sendAgain(self, at, entry);
  if (!reply.ok && reply.code === "not-owner") tellFenced(self);
  const { request, io, arrivedNs } = entry;
  self.edit().outstanding.splice(at, 1);
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

/** The path in use changes once for all that were sent over it. */
function sendAgain(self: InitiatorEntity, at: number, entry: Outstanding): void {
  const { number } = entry;
  const { paths, attempts } = self.config;
  const ways = Math.max(1, paths.length);
  if (self.volatile.path === entry.path) self.edit().path = (entry.path + 1) % ways;
  if (entry.attempts >= attempts) {
    self.edit().outstanding.splice(at, 1);
    self.measure("path-lost", 1);
    return answer(self, entry.request, refused("path-lost"));
  }
  self.notice("path-failover", { from: entry.path, to: self.volatile.path, number });
  self.measure("path-failovers", 1);
  transmit(self, at);
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
