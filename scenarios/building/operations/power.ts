/** Starts power-on, power-off, stun, unstun and restart. */
import {
  type LocalDisk,
  type OwnershipRules,
  powerOff,
  powerOn,
  type PowerOnParams,
  stun,
  unpause,
  unstun,
} from "../../../core/disks/index.ts";
import { protect } from "../../../core/fault-tolerance/index.ts";
import {
  type Entity,
  type EntityId,
  fromMs,
  type OperationComponent,
  type PlainObject,
} from "../../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import type { ResolvedVm } from "../../schema/scenario.generated.ts";
import type { Driver } from "../driver.ts";
import { start, type Starter } from "./starter.ts";
import { freeMedia, hostOf, refuse, splitDisks, vmOfDocument } from "./vm-access.ts";

/** Powers on where the VM is registered, or on `host`. */
export function powerOnVm(
  self: Driver,
  vm: string,
  id: string,
  host?: string,
  takeOver = false,
): void {
  const { world } = self;
  const record = vmRecordOf(world, vm);
  const document = vmOfDocument(self, vm);
  const where = host ?? (record.durable.host === "" ? document.host : record.durable.host);
  if (!world.isUp(world.named(where).domain)) return refuse(self, id, "power-on", vm, "host-down");
  const params = openingOn(self, document, where, takeOver);
  if (document.protection === undefined) {
    return void start(self, powerOn, world.named(where), id, params);
  }
  start(self, protect, world.named(where), id, {
    vm,
    powerOn: params,
    ...protectionOf(self, document, where),
  });
}

/** How a host opens the disks of a VM and starts it. */
export function openingOn(
  self: Driver,
  document: ResolvedVm,
  where: string,
  takeOver: boolean,
): PowerOnParams & PlainObject {
  const { world } = self;
  const { local, remote } = splitDisks(self, document, where);
  const { domain } = world.named(where);
  const isElsewhere = (each: LocalDisk): boolean => world.entity(each.device).domain !== domain;
  return {
    vm: document.id,
    record: vmRecordOf(world, document.id).id,
    array: remote[0]?.access.array ?? -1,
    disks: remote,
    local,
    order: document.disks.map((disk) => disk.id),
    memoryMiB: document.memoryMiB,
    cpu: world.named(`${where}/cpu`).id,
    takeOver,
    ...(local.some(isElsewhere) && { media: freeMedia(self, where) }),
    ...(remote.length > 0 && { ownership: ownershipRules(self, remote[0]!.access.array) }),
  };
}

/** On the host of its backup, and where that is down, a VM has none. */
function protectionOf(self: Driver, document: ResolvedVm, where: string) {
  const { host, heartbeatMs, timeoutMs, maxLagMs } = document.protection!;
  const isUp = host !== where && self.world.isUp(self.world.named(host).domain);
  const settings = {
    heartbeatNs: fromMs(heartbeatMs),
    timeoutNs: fromMs(timeoutMs),
    maxLagNs: fromMs(maxLagMs),
  };
  const backup = isUp ? { host, powerOn: openingOn(self, document, host, false) } : null;
  return { settings, backup };
}

/** How the document wants ownership kept on an array. */
function ownershipRules(self: Driver, array: EntityId): OwnershipRules {
  const { name } = self.world.entity(array);
  const { ownership } = self.config.document.arrays.find(({ id }) => id === name)!;
  const { heartbeatMs, leaseMs, maxDriftPpm, fencing } = ownership;
  return { heartbeatNs: fromMs(heartbeatMs), leaseNs: fromMs(leaseMs), maxDriftPpm, fencing };
}

/** An operation that needs nothing but the running instance. */
const onInstance =
  (operation: OperationComponent, name: string) =>
  (self: Driver, { id, vm }: { readonly id: string; readonly vm: string }): void => {
    const instance = vmOf(vmRecordOf(self.world, vm));
    if (instance === undefined) return refuse(self, id, name, vm, "vm-off");
    const host = hostOf(self.world, instance as unknown as Entity);
    start(self, operation, host, id, { vm, instance: instance.id });
  };

const startRestart: Starter<"restart"> = (self, entry) => {
  const running = vmOf(vmRecordOf(self.world, entry.vm));
  const power = self.world.entity(running?.id ?? self.id);
  if (running === undefined) return powerOnVm(self, entry.vm, entry.id, entry.host);
  self.send(power.id, "power-off", {});
  self.after(0, "power-on-again", { vm: entry.vm, id: entry.id, host: entry.host });
};

const startTakeOver: Starter<"take-over"> = (self, { id, vm, host }) =>
  powerOnVm(self, vm, id, host, true);

export const powerStarters = {
  "take-over": startTakeOver,
  "power-on": ((self, { id, vm }) => powerOnVm(self, vm, id)) as Starter<"power-on">,
  "power-off": onInstance(powerOff, "power-off"),
  stun: onInstance(stun, "stun"),
  unstun: onInstance(unstun, "unstun"),
  unpause: onInstance(unpause, "unpause"),
  restart: startRestart,
};
