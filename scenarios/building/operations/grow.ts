/** Starts the growth of disks. */
import { growDisk } from "../../../core/disks/index.ts";
import { startOperation } from "../../../core/kernel/index.ts";
import { SECTORS_PER_MIB } from "../fabric.ts";
import type { Starter } from "./starter.ts";
import { refuse, runningVm, vmOfDocument } from "./vm-access.ts";

const startGrowDisk: Starter<"grow-disk"> = (self, { id, vm, disk, toMiB }) => {
  const running = runningVm(self, vm, [disk]);
  if (running === undefined) return refuse(self, id, "grow-disk", vm, "vm-off");
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, "grow-disk", vm, "not-on-an-array");
  // A real machine's disk keeps the size that it was booted with.
  if (instance.kind !== "vm") return refuse(self, id, "grow-disk", vm, "guest-cannot");
  const index = vmOfDocument(self, vm).disks.findIndex((each) => each.id === disk);
  const { kind } = vmOfDocument(self, vm).disks[index]!;
  if (kind === "network") return refuse(self, id, "grow-disk", vm, "guest-mounted");
  const toSectors = toMiB * SECTORS_PER_MIB;
  const parts = { vm, instance: instance.id, array, disks, index, toSectors };
  startOperation(self.world, growDisk, host, id, parts);
};

export const growStarters = { "grow-disk": startGrowDisk };
