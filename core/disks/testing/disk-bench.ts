/**
 * An open virtual disk under load, for tests: a host and its array in one domain, a guest that keeps
 * requests outstanding, reads and writes where others just did, and stands still while stunned.
 */
import {
  component,
  type Distribution,
  type Entity,
  type EntityId,
  type Plain,
  type PlainObject,
  type Reply,
  type Request,
  type SectorContent,
  uniform,
  World,
} from "../../kernel/index.ts";
import {
  type ArrayEntity,
  type BlockRequest,
  initiator,
  pageCache,
  spawnArray,
  spawnPagePool,
  storageInvariants,
} from "../../platform/index.ts";
import { opened, pushLayer } from "../chain/change-layers.ts";
import { configurationFile, asDescriptor, type VmConfiguration } from "../chain/descriptor.ts";
import { openDevice, type VolumeAccess } from "../chain/open-device.ts";
import { pointInTimeInvariant } from "../chain/point-in-time-invariant.ts";
import { type ProvisionedLayer, provisionDisks } from "../chain/provision.ts";
import { viewInvariant } from "../chain/view-invariant.ts";
import { virtualDisk } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { diskComponents } from "../components.ts";

export type Load = {
  /** Requests in all, and at once. */
  readonly requests: number;
  readonly outstanding: number;
  /** Pause between an answer and the next request, at most. */
  readonly thinkNs: number;
  readonly regionSectors: number;
  readonly longest: number;
  /** Of a hundred requests. */
  readonly reads: number;
  readonly discards: number;
  readonly flushes: number;
};

type GuestConfig = { readonly load: Load };
type GuestState = {
  readonly disk: EntityId;
  readonly stuns: number;
  readonly sent: number;
  readonly answered: number;
  readonly errors: number;
  readonly held: number;
  readonly stamp: number;
};
const KIND = uniform(100);
const draws = new WeakMap<
  Load,
  { readonly sectors: Distribution; readonly sector: Distribution; readonly think: Distribution }
>();

/** Built once for a load: a pure cache. */
function drawsOf(load: Load) {
  const known = draws.get(load);
  if (known !== undefined) return known;
  const { longest, regionSectors, thinkNs } = load;
  const made = {
    sectors: uniform(longest),
    sector: uniform(regionSectors - longest),
    think: uniform(Math.max(1, thinkNs)),
  };
  draws.set(load, made);
  return made;
}

type Guest = Entity<GuestConfig, Record<string, never>, GuestState>;

const guest = component<GuestConfig, Record<string, never>, GuestState>({
  kind: "test-guest",
  direct: ["done"],
  volatile: () => ({
    disk: -1,
    stuns: 0,
    sent: 0,
    answered: 0,
    errors: 0,
    held: 0,
    stamp: 1_000_000,
  }),
  handlers: {
    next: (self) => next(self),
    done: (self, reply: Reply) => {
      const state = self.edit();
      state.answered++;
      if (!reply.ok) state.errors++;
      const { thinkNs } = self.config.load;
      self.after(thinkNs === 0 ? 0 : self.draw("think", drawsOf(self.config.load).think), "next");
    },
    stun: (self, request: Request) => {
      self.edit().stuns++;
      self.reply(request, {});
    },
    unstun: (self, request: Request) => {
      const state = self.edit();
      state.stuns--;
      const { held } = state;
      state.held = 0;
      for (let i = 0; i < held; i++) self.after(0, "next");
      self.reply(request, {});
    },
  },
});

function next(self: Guest): void {
  const state = self.edit();
  const { load } = self.config;
  if (state.stuns > 0) return void state.held++;
  if (state.sent >= load.requests) return;
  state.sent++;
  self.ask(state.disk, "io", drawRequest(self) as Plain, { then: "done" });
}

function drawRequest(self: Guest): BlockRequest {
  const { reads, discards, flushes } = self.config.load;
  const kind = self.draw("kind", KIND);
  if (kind < flushes) return { op: "flush" };
  const sectors = 1 + self.draw("sectors", drawsOf(self.config.load).sectors);
  const sector = self.draw("sector", drawsOf(self.config.load).sector);
  if (kind < flushes + discards) return { op: "discard", sector, sectors };
  if (kind < flushes + discards + reads) return { op: "read", sector, sectors };
  const state = self.edit();
  const stamp = state.stamp;
  state.stamp += sectors;
  return { op: "write", sector, sectors, runs: [{ kind: "stamp", sectors, stamp }] };
}

export type BenchOptions = {
  readonly seed?: number;
  readonly sectors?: number;
  readonly grainSectors?: number;
  readonly layers: readonly ProvisionedLayer[];
  readonly load?: Partial<Load>;
  readonly cacheMode?: VolumeAccess["cacheMode"];
  readonly capacityBytes?: number;
  readonly checked?: boolean;
  /** Fixed instead of drawn, for measurements. */
  readonly serviceNs?: number;
};

export interface DiskBench {
  readonly world: World;
  readonly host: Entity;
  readonly array: ArrayEntity;
  readonly instance: Guest;
  readonly disk: VirtualDiskEntity;
  readonly access: VolumeAccess;
  /** What operations on the VM's disks are given. */
  readonly params: PlainObject;
  readonly start: () => void;
}

const LOAD: Load = {
  requests: 0,
  outstanding: 3,
  thinkNs: 40_000,
  regionSectors: 400,
  longest: 24,
  reads: 30,
  discards: 5,
  flushes: 5,
};

const hostComponent = component<PlainObject, PlainObject, PlainObject>({
  kind: "test-host",
  handlers: {},
});

/** A disk whose chain holds `layers`, opened; the guest waits for `start`. */
export function diskBench(options: BenchOptions): DiskBench {
  const { seed = 1, sectors = 512, grainSectors = 8, layers, checked = true } = options;
  const world = new World({ gate: { seed } });
  world.register(...diskComponents, initiator as never, pageCache as never);
  const domain = world.addDomain("alpha");
  const host = world.spawn(hostComponent, {}, { domain, name: "alpha" }) as unknown as Entity;
  if (checked) world.addInvariants([...storageInvariants, viewInvariant, pointInTimeInvariant]);
  const { serviceNs } = options;
  const array = spawnArray(world, {
    name: "array",
    domain,
    readNs: serviceNs ?? { medianNs: 90_000, p99Ns: 600_000 },
    writeNs: serviceNs ?? { medianNs: 60_000, p99Ns: 900_000 },
    flushNs: serviceNs ?? 50_000,
    seekNs: 0,
    bytesPerSecond: 4_000_000_000,
    queueDepth: 16,
    cacheBytes: 0,
    cacheProtected: true,
    capacityBytes: options.capacityBytes ?? 1_073_741_824,
    grainBytes: 4_096,
  } as never);
  provisionDisks(array, "db", [{ disk: "data", sectors, grainSectors, layers }]);
  const pool = spawnPagePool(world, host, { sizeBytes: 1_048_576 });
  const load: Load = { ...LOAD, ...options.load };
  const instance = world.spawn(guest, { load }, { creator: host, name: "db/run-1" });
  const { cacheMode = "none" } = options;
  const access = { array: array.id, paths: [], cacheMode, pool: pool.id, writebackNs: 1_000_000 };
  const disk = openChain(world, instance as unknown as Entity, array, access);
  instance.edit().disk = disk.id;
  const disks = [{ disk: "data", entity: disk.id, access }];
  return {
    world,
    host,
    array,
    instance,
    disk,
    access,
    params: { vm: "db", instance: instance.id, array: array.id, disks } as unknown as PlainObject,
    start: () => {
      for (let i = 0; i < load.outstanding; i++) instance.after(i * 7_000, "next");
    },
  };
}

export function configurationOf(array: ArrayEntity): VmConfiguration {
  return array.durable.files[`file:${configurationFile("db")}`]!.value as never;
}

function openChain(
  world: World,
  creator: Entity,
  array: ArrayEntity,
  access: VolumeAccess,
): VirtualDiskEntity {
  const names: string[] = [];
  const describe = (name: string) =>
    asDescriptor(array.durable.files[`file:${name}`]!.value as never);
  for (let at: string | null = configurationOf(array).running["data"]!; at !== null;) {
    names.unshift(at);
    at = describe(at).parent;
  }
  const { sectors, grainSectors } = describe(names[0]!);
  const disk = creator.spawn(
    virtualDisk,
    { vm: "db", disk: "data", sectors, grainSectors },
    "data",
  );
  for (const descriptor of names) {
    const { volume, kind } = describe(descriptor);
    const device = openDevice(disk as unknown as Entity, access, volume, sectors);
    const held = (world.contents.get(`array#volume:${volume}`) as SectorContent).allocatedRuns();
    const layer = { descriptor, volume, kind: kind === "redo" ? kind : "flat", device } as const;
    pushLayer(disk as unknown as VirtualDiskEntity, layer, held);
  }
  for (const { id, disks } of configurationOf(array).pointsInTime) {
    world.notice(disk as unknown as Entity, "point-in-time", { vm: "db", id, descriptors: disks });
  }
  opened(disk as unknown as VirtualDiskEntity);
  return disk as unknown as VirtualDiskEntity;
}
