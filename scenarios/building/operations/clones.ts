/** Starts linked clones and their promotion. */
import { cowLinkedClone, linkedClone, promote, splitClone } from "../../../core/disks/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import { startCloneRunning } from "./hierarchies.ts";
import { start, type Starter } from "./starter.ts";
import {
  closedDisks,
  disksOfKind,
  isStarting,
  placeOf,
  redoDisksOf,
  refuse,
  runningVm,
  splitDisks,
  vmOfDocument,
} from "./vm-access.ts";

/**
 * At the host of the clone, which must be off: nothing of either VM is touched but small files. Of
 * the source as it runs, no point being named: at its own.
 */
const startLinkedClone: Starter<"linked-clone"> = (self, { id, vm, point, clone }) => {
  const { world } = self;
  // On a point of its own a VM goes back: that is a revert.
  if (clone === vm) return refuse(self, id, "linked-clone", clone, "same-vm");
  if (vmOf(vmRecordOf(world, clone)) !== undefined) {
    return refuse(self, id, "linked-clone", clone, "vm-on");
  }
  if (isStarting(self, clone)) return refuse(self, id, "linked-clone", clone, "vm-starting");
  const { host } = vmOfDocument(self, clone);
  if (!world.isUp(world.named(host).domain)) {
    return refuse(self, id, "linked-clone", clone, "host-down");
  }
  const array = splitDisks(self, vmOfDocument(self, vm), host).remote[0]?.access.array;
  if (array === undefined) return refuse(self, id, "linked-clone", vm, "no-array");
  if (point === undefined) {
    if (vmOf(vmRecordOf(world, vm)) === undefined) {
      return refuse(self, id, "linked-clone", vm, "no-point-in-time");
    }
    const into = { clone, closed: closedDisks(self, clone, array) };
    return startCloneRunning(self, "linked-clone", id, vm, into);
  }
  const params = { vm, pointInTime: point, clone, array, closed: closedDisks(self, clone, array) };
  const kind = disksOfKind(self, vm, "cow").length > 0 ? cowLinkedClone : linkedClone;
  start(self, kind, world.named(host), id, params);
};

/** The array does it where disks are copy-on-write, with their points in time, on or off. */
const startPromote: Starter<"promote"> = (self, { id, vm, snapshots, copyKiB }) => {
  if (disksOfKind(self, vm, "cow").length > 0) {
    const place = placeOf(self, vm);
    if (typeof place === "string") return refuse(self, id, "promote", vm, place);
    const { host: at, array: on } = place;
    return void start(self, splitClone, at, id, { vm, array: on });
  }
  const running = runningVm(self, vm, redoDisksOf(self, vm));
  if (running === undefined) return refuse(self, id, "promote", vm, "vm-off");
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, "promote", vm, "no-disks");
  const params = {
    vm,
    instance: instance.id,
    array,
    disks,
    carrySnapshots: snapshots === "carry",
    copySectors: copyKiB * 2,
  };
  start(self, promote, host, id, params);
};

export const cloneStarters = { "linked-clone": startLinkedClone, promote: startPromote };
