/** Starts operations that give up points in time, and stops those that run. */
import {
  abort,
  blockMergeConsolidate,
  consolidate,
  isBranch,
  iterativeConsolidate,
  offlineConsolidate,
} from "../../../core/disks/index.ts";
import { operationUnderWay } from "../../../core/kernel/index.ts";
import type { Driver } from "../driver.ts";
import { start, type Starter } from "./starter.ts";
import { vmRecordOf } from "../../../core/vmm/index.ts";
import {
  closedDisks,
  isStarting,
  placeOf,
  redoDisksOf,
  refuse,
  runningVm,
  splitDisks,
  vmOfDocument,
} from "./vm-access.ts";

const METHODS = {
  mirror: consolidate,
  iterative: iterativeConsolidate,
  "block-merge": blockMergeConsolidate,
};

/** Of layers that no VM has open; the method makes no difference. Of a branch, the VM may be on. */
const startOffline = (
  self: Driver,
  { id, vm, point = "", copyKiB }: Parameters<Starter<"consolidate">>[1],
  isBranchOff: boolean,
): void => {
  if (!isBranchOff && isStarting(self, vm)) {
    return refuse(self, id, "consolidate", vm, "vm-starting");
  }
  const place = placeOf(self, vm);
  if (typeof place === "string") return refuse(self, id, "consolidate", vm, place);
  const { host, array } = place;
  const { access } = splitDisks(self, vmOfDocument(self, vm), host.name).remote[0]!;
  const record = vmRecordOf(self.world, vm).id;
  const { paths } = access;
  const closed = isBranchOff ? {} : { closed: closedDisks(self, vm, array) };
  const merge = { vm, record, array, paths, pointInTime: point, copySectors: copyKiB * 2 };
  const params = { ...merge, ...closed };
  start(self, offlineConsolidate, host, id, params);
};

const startConsolidate: Starter<"consolidate"> = (self, entry) => {
  const { id, vm, point = "", method, copyKiB, maxRounds, enoughKiB } = entry;
  const running = runningVm(self, vm, redoDisksOf(self, vm));
  const { on } = vmOfDocument(self, vm).disks.find(({ kind }) => kind === "redo") ?? {};
  const isElsewhere = on !== undefined && isBranch(self.world, on, vm, point);
  if (running === undefined || isElsewhere) return startOffline(self, entry, isElsewhere);
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, "consolidate", vm, "no-disks");
  const params = {
    vm,
    instance: instance.id,
    array,
    disks,
    pointInTime: point,
    copySectors: copyKiB * 2,
    maxRounds,
    enoughSectors: enoughKiB * 2,
  };
  start(self, METHODS[method], host, id, params);
};

/** At the host of the operation; one that is over needs nobody. */
const startAbort: Starter<"abort"> = (self, { id, vm, operation }) => {
  const { world } = self;
  const running = operationUnderWay(world, operation);
  if (running === undefined) return refuse(self, id, "abort", vm, "not-running");
  const { host } = running.config;
  start(self, abort, world.entity(host), id, { operation });
};

export const consolidationStarters = { consolidate: startConsolidate, abort: startAbort };
