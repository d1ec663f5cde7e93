/** The state of an initiator, and how its requests come into it and go to the array. */
import type { Entity, EntityId, Request } from "../../kernel/index.ts";
import type { VolumeIo } from "./array-sessions.ts";
import { type BlockRequest, bytesBack, bytesOut, HEADER_BYTES } from "./block.ts";
import type { OwnerStamp } from "./ownership.ts";
import type { Unflushed } from "./unflushed.ts";

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
  /** As whom the array knows it. Absent: by its own name, in the incarnation of its domain. */
  readonly session?: { readonly name: string; readonly number: number };
  /** Series of the bytes that it sends and gets; absent: they are not measured. */
  readonly traffic?: string;
};

export type Outstanding = {
  readonly number: number;
  /** Whom to answer; without its body. Null: it is the initiator's own. */
  readonly request: Request | null;
  readonly io: BlockRequest;
  readonly attempts: number;
  readonly path: number;
  readonly arrivedNs: number;
  /** Of a flush: the last write that was answered before it was sent. */
  readonly through?: number;
  /** It is sent again, or first, so that the array is level: number of the write; 0: a flush. */
  readonly again?: number;
  /** It is not on its way: the array has to be level first. */
  readonly waits?: boolean;
};

export type InitiatorState = {
  readonly next: number;
  /** Index of the path in use. */
  readonly path: number;
  /** In the order of their numbers. */
  readonly outstanding: readonly Outstanding[];
  /** What an array with a volatile cache may forget; absent: it has none, as far as is known. */
  readonly unflushed?: Unflushed;
};

export type InitiatorEntity = Entity<InitiatorConfig, Record<never, never>, InitiatorState>;

/** Its place among those outstanding. */
export function enter(self: InitiatorEntity, request: Request | null, io: BlockRequest): number {
  const state = self.edit();
  const number = state.next++;
  (state.outstanding as Outstanding[]).push({
    number,
    request,
    io,
    attempts: 0,
    path: state.path,
    arrivedNs: self.simulatedNs,
  });
  return state.outstanding.length - 1;
}

/** Its place among those outstanding; -1 when it is none of them. */
export function placeOf({ volatile: { outstanding } }: InitiatorEntity, number: number): number {
  for (let at = 0; at < outstanding.length; at++) {
    if (outstanding[at]!.number === number) return at;
  }
  return -1;
}

export function transmit(self: InitiatorEntity, at: number): void {
  const { array, volume, paths, timeoutNs, owner, stamp, session, traffic } = self.config;
  const { outstanding, path, unflushed } = self.volatile;
  const { io, number } = outstanding[at]!;
  const edited = self.edit().outstanding[at]!;
  edited.attempts++;
  edited.path = path;
  if (unflushed !== undefined && io.op === "flush") edited.through ??= unflushed.next - 1;
  const body: VolumeIo = {
    volume,
    request: io,
    sender: session?.name ?? self.name,
    session: session?.number ?? self.world.incarnationOf(self.domain),
    number,
    oldest: outstanding[0]!.number,
    owner,
    stamp,
    ...(unflushed !== undefined && { run: unflushed.run }),
  };
  const via = paths[path];
  const bytes = HEADER_BYTES + bytesOut(io);
  if (traffic !== undefined) self.measure(traffic, bytes + HEADER_BYTES + bytesBack(io));
  const options = { then: "answered", tag: number, timeoutNs, bytes, via: via ?? -1 };
  self.ask(array, "volume-io", body, options);
}
