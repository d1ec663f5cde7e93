/** Starts linked clones and their promotion. */
import { linkedClone, promote } from "../../../core/disks/index.ts";
import { startOperation } from "../../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import type { Starter } from "./starter.ts";
import { redoDisksOf, refuse, runningVm, splitDisks, vmOfDocument } from "./vm-access.ts";

/** At the host of the clone, which must be off: nothing of either VM is touched but small files. */
const startLinkedClone: Starter<"linked-clone"> = (self, { id, vm, point, clone }) => {
  const { world } = self;
  if (vmOf(vmRecordOf(world, clone)) !== undefined) {
    return refuse(self, id, "linked-clone", clone, "vm-on");
  }
  const { host } = vmOfDocument(self, clone);
  if (!world.isUp(world.named(host).domain)) {
    return refuse(self, id, "linked-clone", clone, "host-down");
  }
  const array = splitDisks(self, vmOfDocument(self, vm), host).remote[0]?.access.array ?? -1;
  const params = { vm, pointInTime: point, clone, array };
  startOperation(world, linkedClone, world.named(host), id, params);
};

const startPromote: Starter<"promote"> = (self, { id, vm, snapshots, copyKiB }) => {
  const running = runningVm(self, vm, redoDisksOf(self, vm));
  if (running === undefined) return refuse(self, id, "promote", vm, "vm-off");
  const { instance, host, array, disks } = running;
  const params = {
    vm,
    instance: instance.id,
    array,
    disks,
    carrySnapshots: snapshots === "carry",
    copySectors: copyKiB * 2,
  };
  startOperation(self.world, promote, host, id, params);
};

export const cloneStarters = { "linked-clone": startLinkedClone, promote: startPromote };
