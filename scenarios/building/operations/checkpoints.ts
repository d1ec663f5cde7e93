/** Starts checkpoints of running VMs. */
import {
  checkpoint,
  type CheckpointParams,
  mergeCheckpoints,
  type MergeParams,
  restoreCheckpoint,
  type RestoreParams,
  settleCheckpoints,
} from "../../../core/checkpoints/index.ts";
import { diskCheckpoint } from "../../../core/disks/index.ts";
import { fromMs, type PlainObject } from "../../../core/kernel/index.ts";
import { vmRecordOf } from "../../../core/vmm/index.ts";
import type { ResolvedScenario } from "../../schema/scenario.generated.ts";
import type { Driver } from "../driver.ts";
import { repositoryOf } from "./backups.ts";
import { openingOn } from "./power.ts";
import { start, type EntryOf, type Starter } from "./starter.ts";
import {
  closedDisks,
  isStarting,
  redoDisksOf,
  refuse,
  runningVm,
  vmOfDocument,
} from "./vm-access.ts";

const startDiskCheckpoint: Starter<"disk-checkpoint"> = (self, entry) => {
  const { id, vm, to, commit, copyKiB } = entry;
  const running = runningVm(self, vm, redoDisksOf(self, vm));
  if (running === undefined) return refuse(self, id, "disk-checkpoint", vm, "vm-off");
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, "disk-checkpoint", vm, "no-disks");
  const repository = repositoryOf(self, host.name, to);
  if (repository.paths.length === 0) return refuse(self, id, "disk-checkpoint", vm, "no-path");
  const parts = { vm, instance: instance.id, array, disks, repository };
  const params = { ...parts, checkpoint: id, commit, copySectors: copyKiB * 2 };
  start(self, diskCheckpoint, host, id, params);
};

type Buffers = Pick<EntryOf<"suspend">, "blockKiB" | "groupBlocks" | "stagingBlocks" | "sideMiB">;

const PAGE_KIB = 4;

/** As a timeline that says nothing of them has them. */
const USUAL_BUFFERS: Buffers = { blockKiB: 256, groupBlocks: 4, stagingBlocks: 32, sideMiB: 64 };

const buffersOf = ({ blockKiB, groupBlocks, stagingBlocks, sideMiB }: Buffers) => ({
  blockPages: blockKiB / PAGE_KIB,
  groupBlocks,
  stagingBlocks: Math.max(stagingBlocks, 2 * groupBlocks),
  sidePages: (sideMiB * 1_024) / PAGE_KIB,
});

type Saved = Pick<
  CheckpointParams,
  "method" | "suspends" | "replaces" | "workingSet" | "traceNs" | "base" | "longestChain"
> & {
  readonly withDisks: boolean;
  /** What it is called; absent: as its entry is. */
  readonly called?: string;
};

/** Saves a running VM; why nothing can be done is told as the outcome. */
function save(
  self: Driver,
  entry: EntryOf<"checkpoint"> | EntryOf<"suspend">,
  { withDisks, called, ...how }: Saved,
): void {
  const { id, vm, on } = entry;
  const running = runningVm(self, vm, withDisks ? redoDisksOf(self, vm) : []);
  if (running === undefined) return refuse(self, id, entry.do, vm, "vm-off");
  const { instance, host, array, disks } = running;
  const { array: keeper, paths } = repositoryOf(self, host.name, on);
  if (paths.length === 0) return refuse(self, id, entry.do, vm, "no-path");
  if (withDisks && disks.length === 0) return refuse(self, id, entry.do, vm, "no-disks");
  const { guard } = instance.config;
  if (guard >= 0) return refuse(self, id, entry.do, vm, "protected");
  const params: CheckpointParams = {
    vm,
    instance: instance.id,
    record: vmRecordOf(self.world, vm).id,
    array: keeper,
    paths,
    checkpoint: called ?? id,
    ...how,
    disks,
    disksArray: array,
    drains: instance.volatile.disks,
    buffers: buffersOf(entry),
  };
  start(self, checkpoint, host, id, params as unknown as PlainObject);
}

type AlertSave = Pick<EntryOf<"checkpoint">, "id" | "vm" | "on"> & {
  /** What the checkpoint is called; `id` is that of the attempt. */
  readonly checkpoint: string;
};

/** At an alert of its integrity driver, with its disks if they keep points in time. */
export function saveAtAlert(self: Driver, { id, vm, on, checkpoint: called }: AlertSave): void {
  const entry = { id, vm, on, do: "checkpoint", ...USUAL_BUFFERS } as EntryOf<"checkpoint">;
  const withDisks = redoDisksOf(self, vm).length > 0;
  save(self, entry, { method: "lazy", suspends: false, replaces: false, withDisks, called });
}

const startCheckpoint: Starter<"checkpoint"> = (self, entry) =>
  save(self, entry, {
    method: entry.method,
    suspends: false,
    replaces: !entry.keepOlder,
    withDisks: entry.withDisks,
    ...(entry.base !== undefined && { base: entry.base, longestChain: entry.longestChain }),
  });

const startSuspend: Starter<"suspend"> = (self, entry) =>
  save(self, entry, {
    method: "stop-and-copy",
    suspends: true,
    replaces: true,
    withDisks: false,
    ...(entry.workingSet !== "none" && {
      workingSet: entry.workingSet,
      traceNs: fromMs(entry.traceMs),
    }),
  });

/** At the host where the VM was last, or is by the document, or at the one that is named. */
function restore(
  self: Driver,
  entry: EntryOf<"resume"> | EntryOf<"restore-checkpoint">,
  checkpointId: string | null,
): void {
  const { world } = self;
  const { id, vm, on, host: elsewhere, method, readsAtOnce } = entry;
  const { prefetch, prefetchPages } = entry;
  if (isStarting(self, vm)) return refuse(self, id, entry.do, vm, "vm-starting");
  const record = vmRecordOf(world, vm);
  const document = vmOfDocument(self, vm);
  const where = record.durable.host === "" ? document.host : record.durable.host;
  const host = world.named(elsewhere ?? where);
  if (!world.isUp(host.domain)) return refuse(self, id, entry.do, vm, "host-down");
  const { array, paths } = repositoryOf(self, host.name, on);
  if (paths.length === 0) return refuse(self, id, entry.do, vm, "no-path");
  const opening = openingOn(self, document, host.name, false);
  const params: RestoreParams = {
    vm,
    record: record.id,
    array,
    paths,
    checkpoint: checkpointId,
    method,
    readsAtOnce,
    ...(prefetch !== "none" && { prefetch: { by: prefetch, distance: prefetchPages } }),
    powerOn: opening,
    closed: opening.array < 0 ? {} : closedDisks(self, vm, opening.array),
  };
  start(self, restoreCheckpoint, host, id, params as unknown as PlainObject);
}

const startResume: Starter<"resume"> = (self, entry) => restore(self, entry, null);

const startRestore: Starter<"restore-checkpoint"> = (self, entry) =>
  restore(self, entry, entry.checkpoint ?? null);

const startMerge: Starter<"merge-checkpoints"> = (self, entry) => {
  const { id, vm, on, checkpoint: checkpointId, keepOlder } = entry;
  const running = runningVm(self, vm, []);
  if (running === undefined) return refuse(self, id, entry.do, vm, "vm-off");
  const { instance, host } = running;
  const { array, paths } = repositoryOf(self, host.name, on);
  if (paths.length === 0) return refuse(self, id, entry.do, vm, "no-path");
  const params: MergeParams = {
    vm,
    instance: instance.id,
    record: vmRecordOf(self.world, vm).id,
    array,
    paths,
    checkpoint: checkpointId ?? null,
    keepOlder,
  };
  start(self, mergeCheckpoints, host, id, params as unknown as PlainObject);
};

/** Words of `do` that save memory, or bring it back. */
const SAVES_MEMORY: readonly string[] = ["checkpoint", "suspend", "resume", "restore-checkpoint"];

export const savesMemory = (document: Pick<ResolvedScenario, "timeline" | "vms">): boolean =>
  document.timeline.some((entry) => SAVES_MEMORY.includes(entry.do)) || savesAtAlerts(document);

const savesAtAlerts = ({ vms }: Pick<ResolvedScenario, "vms">): boolean =>
  vms.some(({ onAlert }) => onAlert?.do === "snapshot");

/** A guest has started anew: what checkpoints of it left that were cut short is tidied up. */
export function settleAfterBoot(self: Driver, vm: string, id: string): void {
  const { world, config } = self;
  const entries = config.document.timeline.filter((entry) => SAVES_MEMORY.includes(entry.do));
  const ours = entries as readonly { readonly vm: string; readonly on: string }[];
  const on = ours.find((entry) => entry.vm === vm)?.on ?? vmOfDocument(self, vm).onAlert?.on;
  if (on === undefined) return;
  const host = world.named(vmRecordOf(world, vm).durable.host);
  const { array, paths } = repositoryOf(self, host.name, on);
  if (paths.length === 0) return;
  start(self, settleCheckpoints, host, id, { vm, array });
}

export const checkpointStarters = {
  "disk-checkpoint": startDiskCheckpoint,
  checkpoint: startCheckpoint,
  suspend: startSuspend,
  resume: startResume,
  "restore-checkpoint": startRestore,
  "merge-checkpoints": startMerge,
};
