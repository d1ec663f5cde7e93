/** Starts operations that give up points in time, and stops those that run. */
import {
  abort,
  blockMergeConsolidate,
  consolidate,
  iterativeConsolidate,
} from "../../../core/disks/index.ts";
import { type OperationEntity, startOperation } from "../../../core/kernel/index.ts";
import type { Starter } from "./starter.ts";
import { redoDisksOf, refuse, runningVm } from "./vm-access.ts";

const METHODS = {
  mirror: consolidate,
  iterative: iterativeConsolidate,
  "block-merge": blockMergeConsolidate,
};

const startConsolidate: Starter<"consolidate"> = (self, entry) => {
  const { id, vm, point = "", method, copyKiB, maxRounds, enoughKiB } = entry;
  const running = runningVm(self, vm, redoDisksOf(self, vm));
  if (running === undefined) return refuse(self, id, "consolidate", vm, "vm-off");
  const { instance, host, array, disks } = running;
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
  startOperation(self.world, METHODS[method], host, id, params);
};

/** At the host of the operation; one that is over needs nobody. */
const startAbort: Starter<"abort"> = (self, { id, vm, operation }) => {
  const { world } = self;
  const at = world.registry.idOf(operation);
  const running = at === undefined ? undefined : world.entity(at);
  if (running === undefined) return refuse(self, id, "abort", vm, "not-running");
  const { host } = (running as unknown as OperationEntity).config;
  startOperation(world, abort, world.entity(host), id, { operation });
};

export const consolidationStarters = { consolidate: startConsolidate, abort: startAbort };
