/** Starts the growth of disks. */
import { growDisk } from "../../../core/disks/index.ts";
import { SECTORS_PER_MIB } from "../fabric.ts";
import { start, type Starter } from "./starter.ts";
import { refuse, runningVm, vmOfDocument } from "./vm-access.ts";

const startGrowDisk: Starter<"grow-disk"> = (self, { id, vm, disk, toMiB }) => {
  const running = runningVm(self, vm, [disk]);
  if (running === undefined) return refuse(self, id, "grow-disk", vm, "vm-off");
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, "grow-disk", vm, "not-on-an-array");
  const index = vmOfDocument(self, vm).disks.findIndex((each) => each.id === disk);
  const toSectors = toMiB * SECTORS_PER_MIB;
  const { kind } = vmOfDocument(self, vm).disks[index]!;
  const [open] = disks;
  const mounted = kind === "network" ? { ...open!, mountedBy: "guest" as const } : open!;
  const parts = { vm, instance: instance.id, array, disks: [mounted], index, toSectors };
  start(self, growDisk, host, id, parts);
};

export const growStarters = { "grow-disk": startGrowDisk };
