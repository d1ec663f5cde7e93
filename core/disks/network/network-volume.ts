/**
 * A volume that the guest itself mounts: its own initiator, over the virtual machine's network. The
 * host's page cache, initiator and ownership have no part in it.
 *
 * Must hold: the guest logs in before anything else, under a name that stays and a session that
 * rises with each run; from then on the array takes nothing of an earlier run, wherever that was and
 * however late it comes. While the VM is stunned the guest's time-outs stand still.
 * Handler: `io` (block contract).
 */
import {
  component,
  type Entity,
  type EntityId,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import {
  answer,
  type BlockRequest,
  bytesBack,
  bytesOut,
  HEADER_BYTES,
  refused,
  type VolumeIo,
} from "../../platform/index.ts";
import type { VmEntity } from "../../vmm/index.ts";

export type NetworkVolumeConfig = {
  readonly array: EntityId;
  readonly volume: string;
  /** Carriers from the host to the array, the preferred one first. */
  readonly paths: readonly EntityId[];
  /** Name of the guest's initiator, the same in every run. */
  readonly name: string;
  readonly run: number;
  readonly vm: EntityId;
  /** Mounts in this run before this one; absent: none. */
  readonly mounts?: number;
};

type Outstanding = {
  /** Whom to answer; null: the login. */
  readonly request: Request | null;
  readonly io: BlockRequest;
  readonly attempts: number;
};

type NetworkVolumeState = {
  readonly next: number;
  readonly path: number;
  readonly loggedIn: boolean;
  readonly outstanding: { readonly [number: string]: Outstanding };
};

type NetworkVolume = Entity<NetworkVolumeConfig, Record<string, never>, NetworkVolumeState>;

/** The guest's network stack and its virtual interface, for each request. */
const STACK_NS = 25_000;
/** A guest's initiator is patient: 3 s an attempt, 20 attempts. */
const TIMEOUT_NS = 3_000_000_000;
const ATTEMPTS = 20;
const MOST_MOUNTS = 4_096;
const LOGIN: BlockRequest = { op: "flush" };

export const networkVolume = component<
  NetworkVolumeConfig,
  Record<string, never>,
  NetworkVolumeState
>({
  kind: "network-volume",
  volatile: () => ({ next: 1, path: 0, loggedIn: false, outstanding: {} }),
  handlers: {
    login: (self) => take(self, null, LOGIN),
    io: (self, request: Request<BlockRequest>) =>
      take(self, { ...request, body: null }, request.body),
    transmit: (self, number: number) => transmit(self, number),
    answered: (self, reply: Reply) => answered(self, reply),
  },
});

/** Mounts the volume for `disk`; the block device that leads to it. */
export function mountVolume(disk: Entity, config: NetworkVolumeConfig): EntityId {
  const mounted = disk.spawn(networkVolume, config);
  mounted.after(0, "login");
  return mounted.id;
}

/** Mounts, for a disk that is opened anew in the same run, what another one has mounted. */
export function mountAgain(disk: Entity, before: EntityId): EntityId {
  const { config } = disk.world.entity(before) as unknown as NetworkVolume;
  return mountVolume(disk, { ...config, mounts: (config.mounts ?? 0) + 1 });
}

/** What comes before the login is done waits for it. */
function take(self: NetworkVolume, request: Request | null, io: BlockRequest): void {
  const state = self.edit();
  const number = state.next++;
  const entry: Outstanding = { request, io, attempts: 0 };
  (state.outstanding as { [number: string]: Outstanding })[number] = entry;
  if (request === null || state.loggedIn) self.after(STACK_NS, "transmit", number);
}

function transmit(self: NetworkVolume, number: number): void {
  const { outstanding, path } = self.volatile;
  const entry = outstanding[number];
  if (entry === undefined) return;
  const { array, volume, paths, name, run, mounts = 0 } = self.config;
  self.edit().outstanding[number]!.attempts++;
  const body: VolumeIo = {
    volume,
    request: entry.io,
    sender: name,
    // Rises with each run, and within a run with each mount.
    session: run + mounts / MOST_MOUNTS,
    number,
    oldest: Number(Object.keys(outstanding)[0]),
    owner: name,
  };
  const via = paths[path];
  const bytes = HEADER_BYTES + bytesOut(entry.io);
  self.measure("vm-network-bytes", bytes + HEADER_BYTES + bytesBack(entry.io));
  self.ask(array, "volume-io", body, {
    then: "answered",
    tag: number,
    timeoutNs: TIMEOUT_NS,
    bytes,
    ...(via === undefined ? {} : { via }),
  });
}

function answered(self: NetworkVolume, reply: Reply): void {
  const number = reply.tag as number;
  const entry = self.volatile.outstanding[number];
  if (entry === undefined) return;
  if (!reply.ok && reply.code === "timeout") return sendAgain(self, number, entry);
  delete self.edit().outstanding[number];
  if (entry.request !== null) return answer(self, entry.request, reply);
  self.edit().loggedIn = true;
  for (const waiting of Object.keys(self.volatile.outstanding)) transmit(self, Number(waiting));
}

function sendAgain(self: NetworkVolume, number: number, entry: Outstanding): void {
  const { paths, vm } = self.config;
  const instance = self.world.entityOrNone(vm) as unknown as VmEntity | undefined;
  const isStunned = (instance?.volatile.stuns ?? 0) > 0;
  if (entry.attempts >= ATTEMPTS && !isStunned && entry.request !== null) {
    delete self.edit().outstanding[number];
    return answer(self, entry.request, refused("path-lost"));
  }
  self.edit().path = (self.volatile.path + 1) % Math.max(1, paths.length);
  transmit(self, number);
}
