/**
 * What operations on a VM need to know of it: where it runs, what the document says of it, and how
 * its disks are reached from a host.
 */
import {
  type LocalDisk,
  powerOn,
  type PowerOnDisk,
  runningKind,
  unopened,
  type Unopened,
  type OpenDisk,
  type VolumeAccess,
} from "../../../core/disks/index.ts";
import {
  type Entity,
  fromMs,
  type OperationEntity,
  type World,
} from "../../../core/kernel/index.ts";
import type { ArrayEntity } from "../../../core/platform/index.ts";
import { diskPlace, type VmEntity, vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import type { ResolvedVm } from "../../schema/scenario.generated.ts";
import type { Driver } from "../driver.ts";
import { SECTORS_PER_MIB } from "../fabric.ts";

/** An operation that could not begin is one all the same: reports and expectations see it. */
export function refuse(self: Driver, id: string, kind: string, vm: string, code: string): void {
  self.notice("operation", { id, kind, vm, host: self.name });
  self.notice("operation-end", { id, phase: "", outcome: code, figures: {}, detail: null });
}

export function splitDisks(
  self: Driver,
  vm: ResolvedVm,
  host: string,
): { readonly local: readonly LocalDisk[]; readonly remote: readonly PowerOnDisk[] } {
  const { world } = self;
  const record = vmRecordOf(world, vm.id);
  const local: LocalDisk[] = [];
  const remote: PowerOnDisk[] = [];
  const { pageCache } = self.config.document.hosts.find(({ id }) => id === host)!;
  const pool = world.named(`${host}/pages`).id;
  for (const { id, on, sizeMiB, cacheMode, kind } of vm.disks) {
    const device = world.named(diskPlace(record, id) ?? on);
    const cache = { cacheMode, pool, writebackNs: fromMs(pageCache.writebackMs) };
    if (device.kind === "disk") {
      local.push({ disk: id, device: device.id, sectors: sizeMiB * SECTORS_PER_MIB, cache });
      continue;
    }
    const paths = world.messenger.carriers(world.named(host).domain, device.domain);
    const access: VolumeAccess = { array: device.id, paths: [...paths], ...cache };
    remote.push({ disk: id, access, ...(kind === "network" && { mountedBy: "guest" }) });
  }
  return { local, remote };
}

/** Disks of a host on which no VM's disk lies. */
export function freeMedia({ world, config }: Driver, host: string) {
  const { hosts, vms } = config.document;
  const used = vms.flatMap(({ id: vm, disks }) => {
    const record = vmRecordOf(world, vm);
    return disks.map(({ id, on }) => diskPlace(record, id) ?? on);
  });
  return hosts
    .find(({ id }) => id === host)!
    .disks.filter(({ id }) => !used.includes(`${host}/${id}`))
    .map(({ id, sizeMiB }) => ({
      device: world.named(`${host}/${id}`).id,
      sectors: sizeMiB * SECTORS_PER_MIB,
    }));
}

export const vmOfDocument = (self: Driver, vm: string): ResolvedVm =>
  self.config.document.vms.find(({ id }) => id === vm)!;

/** Disks of a VM that keep points in time, and keep them so now: a conversion may come between. */
export function disksOfKind(self: Driver, vm: string, kind: "cow" | "redo"): readonly string[] {
  return vmOfDocument(self, vm)
    .disks.filter((disk) => disk.kind === "redo" || disk.kind === "cow")
    .filter(({ id, on }) => runningKind(self.world, on, vm, id) === kind)
    .map(({ id }) => id);
}

/** Disks of a VM that are chains of redo logs. */
export const redoDisksOf = (self: Driver, vm: string): readonly string[] =>
  disksOfKind(self, vm, "redo");

/** The host entity of a domain bears the domain's name. */
export const hostOf = (world: World, instance: Entity): Entity =>
  world.named(world.registry.domain(instance.domain).name);

/** A VM that runs, the host it runs on, and its open disks on arrays; undefined while it is off. */
export type RunningVm = {
  readonly instance: VmEntity;
  readonly host: Entity;
  readonly array: number;
  readonly disks: readonly OpenDisk[];
};

export function runningVm(
  self: Driver,
  vm: string,
  disks: readonly string[],
): RunningVm | undefined {
  const { world } = self;
  const instance = vmOf(vmRecordOf(world, vm));
  // Before its disks are open it is not there yet: a restore may be filling its memory.
  if (instance === undefined || instance.volatile.stage === "opening") return undefined;
  const host = hostOf(world, instance as unknown as Entity);
  const document = vmOfDocument(self, vm);
  const { remote } = splitDisks(self, document, host.name);
  const open = remote
    .filter(({ disk }) => disks.includes(disk))
    .map(({ disk, access }) => {
      const at = document.disks.findIndex((each) => each.id === disk);
      return { disk, access, entity: instance.volatile.disks[at]! };
    });
  return { instance, host, array: open[0]?.access.array ?? -1, disks: open };
}

/**
 * A host has begun to start the VM, and may have read what its disks are: what needs a VM that is off
 * comes too late, though none runs yet.
 */
export function isStarting({ world }: Driver, vm: string): boolean {
  for (const entity of world.entities()) {
    if (entity.kind !== powerOn.kind) continue;
    if ((entity as unknown as OperationEntity).config.params["vm"] === vm) return true;
  }
  return false;
}

/** A VM's disks as of now, when it is off and no host has begun to start it. */
export const closedDisks = ({ world }: Driver, vm: string, array: number): Unopened =>
  unopened(world.entity(array) as unknown as ArrayEntity, vm);

/** Where something is done with the files of a VM, on or off. */
export type Place = { readonly host: Entity; readonly array: number };

/** Host where a VM runs, ran last, or is by the document; or why nothing can be done there. */
export function placeOf(self: Driver, vm: string): Place | string {
  const { world } = self;
  const record = vmRecordOf(world, vm);
  const document = vmOfDocument(self, vm);
  const host = world.named(record.durable.host === "" ? document.host : record.durable.host);
  if (!world.isUp(host.domain)) return "host-down";
  const array = splitDisks(self, document, host.name).remote[0]?.access.array;
  return array === undefined ? "no-array" : { host, array };
}
