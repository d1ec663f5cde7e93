/** Starts operations on points in time. */
import { snapshot } from "../../../core/disks/index.ts";
import { startOperation } from "../../../core/kernel/index.ts";
import type { Starter } from "./starter.ts";
import { refuse, runningVm } from "./vm-access.ts";

const startSnapshot: Starter<"snapshot"> = (self, { id, vm, disks: wanted }) => {
  const running = runningVm(self, vm, wanted);
  if (running === undefined) return refuse(self, id, "snapshot", vm, "vm-off");
  const { instance, host, array, disks } = running;
  const params = { vm, instance: instance.id, array, disks, pointInTime: id };
  startOperation(self.world, snapshot, host, id, params);
};

export const snapshotStarters = { snapshot: startSnapshot };
