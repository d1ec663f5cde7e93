/** Starts checkpoints of running VMs. */
import { diskCheckpoint } from "../../../core/disks/index.ts";
import { startOperation } from "../../../core/kernel/index.ts";
import { repositoryOf } from "./backups.ts";
import type { Starter } from "./starter.ts";
import { redoDisksOf, refuse, runningVm } from "./vm-access.ts";

const startDiskCheckpoint: Starter<"disk-checkpoint"> = (self, entry) => {
  const { id, vm, to, commit, copyKiB } = entry;
  const running = runningVm(self, vm, redoDisksOf(self, vm));
  if (running === undefined) return refuse(self, id, "disk-checkpoint", vm, "vm-off");
  const { instance, host, array, disks } = running;
  const repository = repositoryOf(self, host.name, to);
  if (repository.paths.length === 0) return refuse(self, id, "disk-checkpoint", vm, "no-path");
  const parts = { vm, instance: instance.id, array, disks, repository };
  const params = { ...parts, checkpoint: id, commit, copySectors: copyKiB * 2 };
  startOperation(self.world, diskCheckpoint, host, id, params);
};

export const checkpointStarters = { "disk-checkpoint": startDiskCheckpoint };
