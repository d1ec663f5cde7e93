/** Starts what the timeline names: built-in operations on VMs, and the scenario's own. */
import {
  powerOff,
  powerOn,
  type PowerOnDisk,
  type LocalDisk,
  snapshot,
  type SnapshotDisk,
  stun,
  unstun,
  type VolumeAccess,
} from "../../core/disks/index.ts";
import {
  type Entity,
  fromMs,
  type OperationComponent,
  type PlainObject,
  startOperation,
  type World,
} from "../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { Extension } from "../schema/extension.ts";
import type { ResolvedTimelineEntry, ResolvedVm } from "../schema/scenario.generated.ts";
import type { Driver } from "./driver.ts";
import { SECTORS_PER_MIB } from "./fabric.ts";
import { isOwnOperation } from "./own-parts.ts";

/** Operations that an entry may name, apart from those that need more than the instance. */
const ON_INSTANCE: { readonly [name: string]: OperationComponent } = {
  "power-off": powerOff,
  stun,
  unstun,
};

export function startEntry(
  self: Driver,
  entry: ResolvedTimelineEntry,
  own: readonly Extension[],
): void {
  const name: string = entry.do;
  const instanceOperation = ON_INSTANCE[name];
  if (instanceOperation !== undefined) return startOnInstance(self, entry, instanceOperation);
  switch (entry.do) {
    case "snapshot":
      return startSnapshot(self, entry.id, entry.vm, entry.disks);
    case "power-on":
      return powerOnVm(self, entry.vm, entry.id);
    case "restart":
      return startRestart(self, entry);
    default:
      return startOwn(self, entry as unknown as PlainObject, name, own);
  }
}

/** Powers on where the VM is registered, or on `host`. */
export function powerOnVm(self: Driver, vm: string, id: string, host?: string): void {
  const { world } = self;
  const record = vmRecordOf(world, vm);
  const document = vmOfDocument(self, vm);
  const where = host ?? (record.durable.host === "" ? document.host : record.durable.host);
  if (!world.isUp(world.named(where).domain)) return refuse(self, id, "power-on", vm, "host-down");
  const { local, remote } = splitDisks(self, document, where);
  startOperation(world, powerOn, world.named(where), id, {
    vm,
    record: record.id,
    array: remote[0]?.access.array ?? -1,
    disks: remote,
    local,
    order: document.disks.map((disk) => disk.id),
    memoryMiB: document.memoryMiB,
    cpu: world.named(`${where}/cpu`).id,
  });
}

function startOnInstance(
  self: Driver,
  entry: ResolvedTimelineEntry,
  operation: OperationComponent,
): void {
  const instance = vmOf(vmRecordOf(self.world, entry.vm));
  if (instance === undefined) return refuse(self, entry.id, entry.do, entry.vm, "vm-off");
  const host = hostOf(self.world, instance as unknown as Entity);
  const params = { vm: entry.vm, instance: instance.id };
  startOperation(self.world, operation, host, entry.id, params);
}

function startSnapshot(self: Driver, id: string, vm: string, disks: readonly string[]): void {
  const { world } = self;
  const instance = vmOf(vmRecordOf(world, vm));
  if (instance === undefined) return refuse(self, id, "snapshot", vm, "vm-off");
  const host = hostOf(world, instance as unknown as Entity);
  const document = vmOfDocument(self, vm);
  const { remote } = splitDisks(self, document, host.name);
  const wanted = remote.filter(({ disk }) => disks.includes(disk));
  const params: readonly SnapshotDisk[] = wanted.map(({ disk, access }) => {
    const at = document.disks.findIndex((each) => each.id === disk);
    return { disk, access, entity: instance.volatile.disks[at]! };
  });
  startOperation(world, snapshot, host, id, {
    vm,
    instance: instance.id,
    array: wanted[0]!.access.array,
    disks: params,
    pointInTime: id,
  });
}

/** Power-off where it runs; the power-on follows when that is over. */
function startRestart(self: Driver, entry: ResolvedTimelineEntry & { host: string }): void {
  const running = vmOf(vmRecordOf(self.world, entry.vm));
  const power = self.world.entity(running?.id ?? self.id);
  if (running === undefined) return powerOnVm(self, entry.vm, entry.id, entry.host);
  self.send(power.id, "power-off", {});
  self.after(0, "power-on-again", { vm: entry.vm, id: entry.id, host: entry.host });
}

function startOwn(self: Driver, entry: PlainObject, name: string, own: readonly Extension[]): void {
  const found = own.filter(isOwnOperation).find((each) => each.name === name);
  if (found === undefined) return;
  const { world } = self;
  const params = found.params?.(world, entry) ?? entry;
  startOperation(world, found.operation, found.host(world, entry), entry["id"] as string, params);
}

/** An operation that could not begin is one all the same: reports and expectations see it. */
function refuse(self: Driver, id: string, kind: string, vm: string, code: string): void {
  self.notice("operation", { id, kind, vm, host: self.name });
  self.notice("operation-end", { id, phase: "", outcome: code, figures: {}, detail: null });
}

function splitDisks(
  self: Driver,
  vm: ResolvedVm,
  host: string,
): { readonly local: readonly LocalDisk[]; readonly remote: readonly PowerOnDisk[] } {
  const { world } = self;
  const local: LocalDisk[] = [];
  const remote: PowerOnDisk[] = [];
  const { pageCache } = self.config.document.hosts.find(({ id }) => id === host)!;
  const pool = world.named(`${host}/pages`).id;
  for (const { id, on, sizeMiB, cacheMode } of vm.disks) {
    const device = world.named(on);
    const cache = { cacheMode, pool, writebackNs: fromMs(pageCache.writebackMs) };
    if (device.kind === "disk") {
      local.push({ disk: id, device: device.id, sectors: sizeMiB * SECTORS_PER_MIB, cache });
      continue;
    }
    const paths = world.messenger.carriers(world.named(host).domain, device.domain);
    const access: VolumeAccess = { array: device.id, paths: [...paths], ...cache };
    remote.push({ disk: id, access });
  }
  return { local, remote };
}

const vmOfDocument = (self: Driver, vm: string): ResolvedVm =>
  self.config.document.vms.find(({ id }) => id === vm)!;

/** The host entity of a domain bears the domain's name. */
const hostOf = (world: World, instance: Entity): Entity =>
  world.named(world.registry.domain(instance.domain).name);
