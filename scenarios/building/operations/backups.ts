/** Starts backups of running VMs and restores of those that are off. */
import { backup, cowBackup, restore } from "../../../core/disks/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import type { Driver } from "../driver.ts";
import { start, type Starter } from "./starter.ts";
import {
  closedDisks,
  disksOfKind,
  isStarting,
  refuse,
  runningVm,
  splitDisks,
  vmOfDocument,
} from "./vm-access.ts";

/** The way from a host to the array that keeps backups. */
export function repositoryOf({ world }: Driver, host: string, array: string) {
  const { id, domain } = world.named(array);
  return { array: id, paths: [...world.messenger.carriers(world.named(host).domain, domain)] };
}

const startBackup: Starter<"backup"> = (self, { id, vm, to, mode, copyKiB }) => {
  const byArray = disksOfKind(self, vm, "cow");
  const byLayers = disksOfKind(self, vm, "redo");
  const running = runningVm(self, vm, [...byArray, ...byLayers]);
  if (running === undefined) return refuse(self, id, "backup", vm, "vm-off");
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, "backup", vm, "no-disks");
  if (byArray.length > 0 && byLayers.length > 0) {
    return refuse(self, id, "backup", vm, "mixed-kinds");
  }
  const repository = repositoryOf(self, host.name, to);
  if (repository.paths.length === 0) return refuse(self, id, "backup", vm, "no-path");
  start(self, byArray.length > 0 ? cowBackup : backup, host, id, {
    vm,
    instance: instance.id,
    array,
    disks,
    repository,
    backup: id,
    incremental: mode === "incremental",
    copySectors: copyKiB * 2,
  });
};

/** At the host where the VM was last, or is by the document. */
const startRestore: Starter<"restore"> = (self, { id, vm, backup: of, from, copyKiB }) => {
  const { world } = self;
  const record = vmRecordOf(world, vm);
  if (vmOf(record) !== undefined) return refuse(self, id, "restore", vm, "vm-on");
  if (isStarting(self, vm)) return refuse(self, id, "restore", vm, "vm-starting");
  const document = vmOfDocument(self, vm);
  const name = record.durable.host === "" ? document.host : record.durable.host;
  const host = world.named(name);
  if (!world.isUp(host.domain)) return refuse(self, id, "restore", vm, "host-down");
  const access = splitDisks(self, document, name).remote[0]?.access;
  const repository = repositoryOf(self, name, from);
  if (access === undefined || repository.paths.length === 0) {
    return refuse(self, id, "restore", vm, "no-path");
  }
  const { array, paths } = access;
  const copySectors = copyKiB * 2;
  const closed = closedDisks(self, vm, array);
  const params = { vm, backup: of, array, paths, repository, copySectors, closed };
  start(self, restore, host, id, params);
};

export const backupStarters = { backup: startBackup, restore: startRestore };
