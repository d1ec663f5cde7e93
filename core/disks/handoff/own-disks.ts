/**
 * Makes a host the owner of all of a VM's disks, before anything else is done with them, and so the
 * only one whose requests the array takes. Afterwards the VM's configuration is written anew, so
 * that an operation which goes on at a former owner finds another version than it knows.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type PlainObject,
  type Step,
} from "../../kernel/index.ts";
import type { OwnerStamp } from "../../platform/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import { askArray, type FileValue, readFile } from "../chain/array-requests.ts";
import { configurationFile } from "../chain/descriptor.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { acquireDisk, type SilentOwner } from "./acquire-disk.ts";
import { keeperOf } from "./keeper.ts";
import { editDisk, ownershipFile, type OwnershipRules } from "./keeper-state.ts";

export type OwnDisksParams = {
  readonly vm: string;
  readonly array: EntityId;
  readonly disks: readonly string[];
  readonly rules: OwnershipRules;
  /** Operation that opens the disks afterwards. */
  readonly holder: EntityId;
  /** From an owner that was voted out, without waiting for it. */
  readonly seize: boolean;
};

type OwnState = { epochs: number[]; silent: SilentOwner | null };

type Op = Operation<OwnDisksParams & PlainObject, OwnState & PlainObject>;

/** Figures: {epochs}, in the order of the disks. */
export const ownDisks = operation<OwnDisksParams & PlainObject, OwnState & PlainObject>(
  "own-disks",
  {
    begin: (_host, op) => next(op),

    acquired(_host, op, { epoch, silent }: { epoch: number; silent: SilentOwner | null }) {
      const state = op.edit();
      state.epochs.push(epoch);
      state.silent ??= silent;
      return next(op);
    },

    readConfiguration: (_host, op) =>
      readFile(op.params.array, configurationFile(op.params.vm), "renewConfiguration"),

    renewConfiguration(_host, op, { value, version }: FileValue) {
      const body = { name: configurationFile(op.params.vm), value, ifVersion: version };
      return askArray(op.params.array, "file-write", body, "report", "again");
    },

    /** Lost its answer, or a former owner was quicker: then what it wrote is renewed. */
    again: (_host, _op, { code }: { code: string }) =>
      code === "timeout" || code === "version-conflict" ? go("readConfiguration") : fail(code),

    report: (_host, op) => done({ epochs: op.state.epochs }),
  },
  () => ({ epochs: [], silent: null }),
);

function next(op: Op): Step {
  const { vm, array, disks, rules, holder, seize } = op.params;
  const disk = disks[op.state.epochs.length];
  if (disk === undefined) return go("readConfiguration");
  return perform(
    acquireDisk,
    { vm, disk, array, rules, holder, seize, silent: op.state.silent },
    "acquired",
  );
}

/** What requests to a disk that this host owns since `epoch` bear. */
export const stampFor = (
  host: Entity,
  vm: string,
  disk: string,
  epoch: number,
  { fencing }: OwnershipRules,
): OwnerStamp => ({
  file: ownershipFile(vm, disk),
  owner: host.name,
  epoch,
  checksEpoch: fencing === "epoch",
});

/** Whether the keeper has all of them still, each under its stamp, for the operation that opens. */
export function ownsAll(host: Entity, stamps: readonly OwnerStamp[]): boolean {
  const { disks } = keeperOf(host).volatile;
  return stamps.every(({ file, epoch }) => {
    const kept = disks[file];
    return kept?.stage === "owned" && kept.epoch === epoch;
  });
}

/** From now on the keeper refuses to give the disk up while the VM is on. */
export function noteOpen(host: Entity, disk: VirtualDiskEntity, instance: VmEntity): void {
  const { stamp } = disk.config;
  if (stamp === undefined) return;
  const kept = editDisk(keeperOf(host), stamp.file);
  kept.stage = "open";
  kept.holder = disk.id;
  kept.instance = instance.id;
}
