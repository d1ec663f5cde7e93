/** Starts operations on points in time. */
import { cowSnapshot, snapshot } from "../../../core/disks/index.ts";
import { start, type Starter } from "./starter.ts";
import { disksOfKind, refuse, runningVm } from "./vm-access.ts";

const startSnapshot: Starter<"snapshot"> = (self, { id, vm, disks: wanted }) => {
  const running = runningVm(self, vm, wanted);
  if (running === undefined) return refuse(self, id, "snapshot", vm, "vm-off");
  const { instance, host, array, disks } = running;
  const params = { vm, instance: instance.id, array, disks, pointInTime: id };
  const byArray = wanted.filter((disk) => disksOfKind(self, vm, "cow").includes(disk)).length;
  if (byArray > 0 && byArray < wanted.length)
    return refuse(self, id, "snapshot", vm, "mixed-kinds");
  start(self, byArray > 0 ? cowSnapshot : snapshot, host, id, params);
};

export const snapshotStarters = { snapshot: startSnapshot };
