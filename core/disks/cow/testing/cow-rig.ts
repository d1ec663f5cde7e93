/**
 * A world for tests of operations on copy-on-write disks: one host, one array, a wire between, and a
 * VM that writes what it is told. The VM's files and disks are the real ones; its guest and its
 * power are reduced to what the operations see of them.
 */
import {
  captureWorld,
  component,
  type DomainId,
  type Entity,
  type EntityId,
  done,
  go,
  operation,
  type OperationComponent,
  perform,
  type PlainObject,
  type Reply,
  type Request,
  restoreWorld,
  startOperation,
  World,
  type WorldImage,
} from "../../../kernel/index.ts";
import {
  type ArrayEntity,
  initiator,
  spawnArray,
  spawnVvols,
  storageInvariants,
  type VasaFaults,
  volumeContent,
  type VvolsEntity,
  vvolInvariants,
} from "../../../platform/index.ts";
import { newWire } from "../../../platform/storage/testing/bench.ts";
import { readFileIfAny, readFile, type FileValue } from "../../chain/array-requests.ts";
import { type DiskStates, diskStates } from "../../chain/disk-states.ts";
import { opened, pushLayer } from "../../chain/change-layers.ts";
import {
  asDescriptor,
  configurationFile,
  intentFile,
  type VmConfiguration,
} from "../../chain/descriptor.ts";
import { diskInvariants } from "../../chain/invariants.ts";
import { openDevice, type VolumeAccess } from "../../chain/open-device.ts";
import { provisionDisks } from "../../chain/provision.ts";
import { virtualDisk } from "../../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../../chain/virtual-disk-state.ts";
import { diskComponents } from "../../components.ts";
import { RECOVERIES } from "../../power/recovery.ts";

export const SECTORS = 64;
export const CHUNK = 2;

type Write = {
  readonly disk: number;
  readonly sector: number;
  readonly sectors: number;
  stamp: number;
};

type GuestState = {
  stunned: boolean;
  disks: readonly EntityId[];
  /** Writes that were not answered, the first of each disk on its way unless it waits for unstun. */
  queues: readonly (readonly Write[])[];
  sent: readonly boolean[];
};

type Guest = Entity<PlainObject, PlainObject, GuestState>;

/** Sends the next write of a disk; one is on its way at a time, so their order is known. */
function pump(self: Guest, disk: number): void {
  const { stunned, queues, sent, disks } = self.volatile;
  const next = queues[disk]![0];
  if (stunned || sent[disk] || next === undefined) return;
  (self.edit().sent as boolean[])[disk] = true;
  const { sector, sectors, stamp } = next;
  const runs = [{ kind: "stamp" as const, stamp, sectors }];
  const body =
    stamp < 0
      ? { op: "discard" as const, sector, sectors }
      : { op: "write" as const, sector, sectors, runs };
  self.ask(disks[disk]!, "io", body, { then: "written", tag: disk });
}

/** A guest that writes what it is told, in order; stunned it sends nothing. */
const guest = component<PlainObject, PlainObject, GuestState>({
  kind: "test-guest",
  volatile: () => ({ stunned: false, disks: [], queues: [], sent: [] }),
  handlers: {
    stun: (self, request: Request) => {
      self.edit().stunned = true;
      self.reply(request, {});
    },
    unstun: (self, request: Request) => {
      self.edit().stunned = false;
      self.volatile.queues.forEach((_, disk) => pump(self, disk));
      self.reply(request, {});
    },
    write: (self, write: Write) => {
      (self.edit().queues as Write[][])[write.disk]!.push(write);
      pump(self, write.disk);
    },
    written: (self, reply: Reply) => {
      const disk = reply.tag as number;
      const state = self.edit();
      (state.queues as Write[][])[disk]!.shift();
      (state.sent as boolean[])[disk] = false;
      pump(self, disk);
    },
  },
});

const host = component<PlainObject, PlainObject, PlainObject>({
  kind: "test-host",
  handlers: { tick: () => undefined },
});

/** Settles the VM's intent, as power-on does. */
const settle = operation<{ vm: string; array: EntityId }, PlainObject>("settle", {
  begin: (_host, op) => readFileIfAny(op.params.array, intentFile(op.params.vm), "configured"),
  configured(_host, op, file: FileValue | null) {
    if (file === null) return go("report");
    return perform(RECOVERIES[file.value["kind"] as "snapshot"], op.params, "begin");
  },
  report: (_host, op) => readFile(op.params.array, configurationFile(op.params.vm), "end"),
  end: () => done(),
});

export type RigOptions = {
  readonly disks?: number;
  readonly kind?: "cow" | "flat";
  readonly cacheProtected?: boolean;
  readonly capacityBytes?: number;
  readonly seed?: number;
  /** Of each disk. Default: {@link SECTORS}. */
  readonly sectors?: number;
};

export class CowRig {
  readonly world: World;
  readonly array: ArrayEntity;
  readonly vvols: VvolsEntity;
  readonly domains: { readonly host: DomainId; readonly array: DomainId };
  readonly diskCount: number;
  readonly sectors: number;
  instance = -1;
  /** Whose intents are settled. */
  owner = "db";
  #operations = 0;
  /** Codes of operations that ended, by id. */
  readonly ended = new Map<string, { outcome: string; figures: PlainObject; detail: unknown }>();

  constructor(options: RigOptions = {}) {
    const { disks = 2, kind = "cow", seed = 1, sectors = SECTORS } = options;
    this.diskCount = disks;
    this.sectors = sectors;
    this.world = new World({ gate: { seed } });
    const { world } = this;
    world.register(...diskComponents, settle as never, initiator as never, guest as never);
    world.addInvariants([...storageInvariants, ...vvolInvariants, ...diskInvariants]);
    const hostDomain = world.addDomain("alpha");
    const arrayDomain = world.addDomain("array");
    this.domains = { host: hostDomain, array: arrayDomain };
    world.spawn(host, {}, { domain: hostDomain, name: "alpha" });
    this.array = spawnArray(world, {
      name: "array",
      domain: arrayDomain,
      readNs: 20_000,
      writeNs: 20_000,
      flushNs: 20_000,
      seekNs: 0,
      bytesPerSecond: 0,
      queueDepth: 32,
      cacheBytes: 64 * 512,
      cacheProtected: options.cacheProtected ?? true,
      capacityBytes: options.capacityBytes ?? 64 * 1_048_576,
      grainBytes: 512,
    });
    this.vvols = spawnVvols(this.array, { chunkSectors: CHUNK, metadataNs: 50_000 });
    newWire(world, "wire", [hostDomain, arrayDomain], 10_000);
    this.provision("db", kind);
    world.hooks.onNotice = (notice) => {
      if (notice.kind !== "operation-end") return;
      const { id, outcome, figures, detail } = notice.data as never;
      this.ended.set(id, { outcome, figures, detail });
    };
  }

  /** Makes the disks of one more VM, empty. */
  provision(vm: string, kind: "cow" | "flat"): void {
    const disks = Array.from({ length: this.diskCount }, (_, i) => `d${i}`);
    const { sectors } = this;
    provisionDisks(
      this.array,
      vm,
      disks.map((disk) => ({ disk, sectors, grainSectors: CHUNK, kind })),
    );
  }

  get host(): Entity {
    return this.world.named("alpha");
  }

  configuration(vm = "db"): VmConfiguration {
    return this.file(configurationFile(vm)) as never;
  }

  file(name: string): PlainObject | undefined {
    return this.array.durable.files[`file:${name}`]?.value as PlainObject | undefined;
  }

  descriptor(name: string) {
    return asDescriptor(this.file(name)!);
  }

  /** What a disk holds, and each point in time of it, read through the descriptors. */
  states(disk: number, vm = "db"): DiskStates | undefined {
    return diskStates(this.world, "array", vm, `d${disk}`, this.sectors);
  }

  /** Starts the VM on what its configuration says. Its intents must be settled. */
  powerOn(): void {
    const { world } = this;
    const vm = world.spawn(guest, {}, { creator: this.host, label: "run" });
    const disks = Object.entries(this.configuration().running).map(([disk, name]) => {
      const { sectors, grainSectors } = this.descriptor(name);
      const config = { vm: "db", disk, sectors, grainSectors };
      const open = vm.spawn(virtualDisk, config, disk) as unknown as VirtualDiskEntity;
      for (const layer of this.#chainOf(name).reverse()) {
        const { volume, kind } = this.descriptor(layer);
        const device = openDevice(open as never, this.#access, volume, sectors);
        const held = kind === "redo" ? volumeContent(this.array, volume)!.allocatedRuns() : [];
        const as = kind === "redo" ? kind : "flat";
        pushLayer(open, { descriptor: layer, volume, kind: as, device }, held);
      }
      opened(open);
      return open.id;
    });
    const state = vm.edit();
    state.disks = disks;
    state.queues = disks.map(() => []);
    state.sent = disks.map(() => false);
    this.instance = vm.id;
  }

  get #access(): VolumeAccess {
    return { array: this.array.id, paths: [], cacheMode: "none", pool: -1, writebackNs: 0 };
  }

  /** Descriptors of a chain, top first. */
  #chainOf(name: string): string[] {
    const { kind, parent } = this.descriptor(name);
    return kind === "redo" ? [name, ...this.#chainOf(parent!)] : [name];
  }

  powerOff(): void {
    this.run();
    if (this.instance >= 0) this.world.removeTree(this.world.entity(this.instance));
    this.instance = -1;
  }

  /** A negative stamp discards. */
  write(disk: number, sector: number, sectors: number, stamp: number, delayNs = 0): void {
    const vm = this.world.entity(this.instance);
    vm.after(delayNs, "write", { disk, sector, sectors, stamp });
  }

  /** The parameters of operations on open disks. */
  open() {
    const { disks } = this.world.entity(this.instance).volatile as unknown as GuestState;
    return disks.map((entity, i) => ({ disk: `d${i}`, entity, access: this.#access }));
  }

  /** Starts an operation at the host; its id. */
  start(kind: OperationComponent, params: object): string {
    const id = `op-${this.world.eventCount}-${this.#operations++}`;
    const all = { vm: "db", array: this.array.id, ...params };
    startOperation(this.world, kind, this.host, id, all as unknown as PlainObject);
    return id;
  }

  /** Lets time pass, also when nothing happens. */
  pass(ns: number): void {
    this.host.after(ns, "tick");
    this.run(ns);
  }

  run(forNs = 20_000_000_000): void {
    this.world.run({ untilNs: this.world.timeNs + forNs });
  }

  /** Runs an operation to its end; its code ("complete" if all went well). */
  do(kind: OperationComponent, params: object): string {
    return this.finish(this.start(kind, params));
  }

  finish(id: string): string {
    this.run(10_000_000_000_000);
    return this.ended.get(id)?.outcome ?? "unended";
  }

  /** Settles what a crash left, as a power-on would; its code. */
  settle(): string {
    return this.do(settle, { vm: this.owner });
  }

  startSettling(): void {
    this.start(settle, { vm: this.owner });
  }

  crashHost(): void {
    this.world.crash(this.domains.host, "test");
    this.instance = -1;
  }

  restartHost(): void {
    this.world.restart(this.domains.host);
  }

  /** Arms a fault of the array's tasks once `skip` groups of tasks of what runs have begun. */
  armAfter(kind: keyof VasaFaults, skip: number): void {
    let begun = 0;
    const { onNotice } = this.world.hooks;
    this.world.hooks.onNotice = (notice) => {
      onNotice?.(notice);
      if (notice.kind === "operation" && notice.data["kind"] === "array-tasks") begun++;
    };
    this.runUntil(() => begun > skip || this.world.activeOperations === 0);
    this.world.hooks.onNotice = onNotice!;
    this.vvols.editDurable().armed[kind] = 1;
  }

  disarm(): void {
    const { armed } = this.vvols.editDurable();
    for (const kind of Object.keys(armed) as (keyof VasaFaults)[]) armed[kind] = 0;
  }

  /** Runs event by event until something holds. */
  runUntil(holds: () => boolean): void {
    while (!holds()) {
      const { eventCount } = this.world;
      this.world.run({ untilEvent: eventCount + 1 });
      if (this.world.eventCount === eventCount) throw new Error("it never held");
    }
  }

  violations(): string[] {
    return this.world.checker.violations.map(
      ({ invariant, message }) => `${invariant}: ${message}`,
    );
  }

  capture(): { readonly image: WorldImage; readonly instance: EntityId } {
    return { image: captureWorld(this.world), instance: this.instance };
  }

  restore({ image, instance }: { readonly image: WorldImage; readonly instance: EntityId }): void {
    restoreWorld(this.world, image);
    this.instance = instance;
    this.ended.clear();
  }
}
