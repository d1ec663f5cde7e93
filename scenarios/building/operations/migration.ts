/** Starts the move of a VM to another host, and calls it off. */
import {
  cancelMigration,
  migrate,
  type MigrationSettings,
  moveOfVm,
} from "../../../core/migration/index.ts";
import { type Entity, fromMs } from "../../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import { openingOn } from "./power.ts";
import { start, type EntryOf, type Starter } from "./starter.ts";
import { hostOf, refuse, vmOfDocument } from "./vm-access.ts";

const KIB = 1_024;
const MBPS = 1_000_000;

function settingsOf(entry: EntryOf<"migrate">): MigrationSettings {
  const { algorithm, granularity, tracedBy, maxRounds } = entry;
  return {
    algorithm,
    granularity,
    maxRounds,
    by: tracedBy === "all" ? "all" : [0],
    minBitsPerSecond: Math.round(Math.min(entry.minMbps, entry.maxMbps) * MBPS),
    maxBitsPerSecond: Math.round(entry.maxMbps * MBPS),
    lastBitsPerSecond: Math.round((entry.lastMbps ?? entry.maxMbps) * MBPS),
    stepBitsPerSecond: Math.round(entry.stepMbps * MBPS),
    stopBelowBytes: entry.stopBelowKiB * KIB,
    stopNs: fromMs(entry.stopMs),
    startUpNs: fromMs(entry.startUpMs),
    patienceNs: fromMs(entry.patienceMs),
    ...(entry.prefetch !== "group" && {
      prefetch: { by: entry.prefetch, distance: entry.prefetchPages },
    }),
  };
}

const startMigrate: Starter<"migrate"> = (self, entry) => {
  const { id, vm, to } = entry;
  const instance = vmOf(vmRecordOf(self.world, vm));
  if (instance === undefined) return refuse(self, id, "migrate", vm, "vm-off");
  const host = hostOf(self.world, instance as unknown as Entity);
  const opening = openingOn(self, vmOfDocument(self, vm), to, false);
  const settings = settingsOf(entry);
  start(self, migrate, host, id, {
    vm,
    instance: instance.id,
    to,
    settings,
    opening,
  });
};

/** At the host that the VM leaves. */
const startCancel: Starter<"cancel-migration"> = (self, { id, vm }) => {
  const host = moveOfVm(self.world, vm)?.config.host;
  if (host === undefined) return refuse(self, id, "cancel-migration", vm, "not-moving");
  start(self, cancelMigration, self.world.entity(host), id, { vm });
};

export const migrationStarters = { migrate: startMigrate, "cancel-migration": startCancel };
