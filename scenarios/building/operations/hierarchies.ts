/** Starts what is done with points in time and their hierarchies. */
import {
  cloneRunning,
  type CloneRunningParams,
  collectGarbage,
  copyHierarchy,
  deletePoint,
  moveFormat,
  revert,
  revertRedo,
  revertRunning,
} from "../../../core/disks/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import type { Driver } from "../driver.ts";
import { consolidationStarters } from "./consolidation.ts";
import { openingOn } from "./power.ts";
import { start, type Starter } from "./starter.ts";
import {
  closedDisks,
  disksOfKind,
  isStarting,
  placeOf,
  redoDisksOf,
  refuse,
  runningVm,
  vmOfDocument,
} from "./vm-access.ts";

const DEFAULT_COPY_KIB = 512;

/** It has an instance, though one whose disks are not open yet: a restore may be filling its memory. */
const isOn = (self: Driver, vm: string): boolean => vmOf(vmRecordOf(self.world, vm)) !== undefined;

/** Disks of a VM that keep points in time, of whatever format. */
const hierarchyDisks = (self: Driver, vm: string): readonly string[] => [
  ...disksOfKind(self, vm, "cow"),
  ...disksOfKind(self, vm, "redo"),
];

/** A guest whose disks change under it must boot again, and only who says so has it booted. */
const startRevert: Starter<"revert"> = (self, entry) => {
  const { id, vm, point, restart } = entry;
  if (isOn(self, vm) && restart) return startRevertRunning(self, entry);
  if (isStarting(self, vm)) return refuse(self, id, "revert", vm, "vm-starting");
  const place = isOn(self, vm) ? "vm-on" : placeOf(self, vm);
  if (typeof place === "string") return refuse(self, id, "revert", vm, place);
  const kind = disksOfKind(self, vm, "cow").length > 0 ? revert : revertRedo;
  const { array } = place;
  const params = { vm, array, pointInTime: point, closed: closedDisks(self, vm, array) };
  start(self, kind, place.host, id, params);
};

const startRevertRunning: Starter<"revert"> = (self, { id, vm, point }) => {
  const document = vmOfDocument(self, vm);
  if (document.protection !== undefined) return refuse(self, id, "revert", vm, "protected");
  const cow = disksOfKind(self, vm, "cow");
  const disks = cow.length > 0 ? cow : redoDisksOf(self, vm);
  const running = runningVm(self, vm, disks);
  if (running === undefined) return refuse(self, id, "revert", vm, "vm-starting");
  const { instance, host, array, disks: open } = running;
  if (open.length === 0) return refuse(self, id, "revert", vm, "no-disks");
  start(self, revertRunning, host, id, {
    vm,
    instance: instance.id,
    array,
    disks: open,
    pointInTime: point,
    format: cow.length > 0 ? "cow" : "redo",
    powerOn: openingOn(self, document, host.name, false),
  } as never);
};

const startDeleteSnapshot: Starter<"delete-snapshot"> = (self, entry) => {
  const { id, vm, point } = entry;
  if (disksOfKind(self, vm, "cow").length === 0) {
    const method = { method: "mirror", copyKiB: DEFAULT_COPY_KIB, maxRounds: 8, enoughKiB: 1_024 };
    const consolidate = { ...entry, do: "consolidate", ...method } as never;
    return consolidationStarters.consolidate(self, consolidate);
  }
  const place = placeOf(self, vm);
  if (typeof place === "string") return refuse(self, id, "delete-snapshot", vm, place);
  const params = { vm, array: place.array, pointInTime: point };
  start(self, deletePoint, place.host, id, params);
};

/** The point in time that is taken for it bears the operation's name. */
export function startCloneRunning(
  self: Driver,
  word: string,
  id: string,
  vm: string,
  into: CloneRunningParams["into"],
): void {
  const cow = disksOfKind(self, vm, "cow");
  const redo = redoDisksOf(self, vm);
  if (cow.length > 0 && redo.length > 0) return refuse(self, id, word, vm, "mixed-kinds");
  const running = runningVm(self, vm, [...cow, ...redo]);
  if (running === undefined) return refuse(self, id, word, vm, "vm-starting");
  const { instance, host, array, disks } = running;
  if (disks.length === 0) return refuse(self, id, word, vm, "not-snapshottable");
  const format = cow.length > 0 ? "cow" : "redo";
  const params = { vm, instance: instance.id, array, disks, format, pointInTime: id, into };
  start(self, cloneRunning, host, id, params as never);
}

/** Of a VM that is on, and no point named: of now. */
const startClone: Starter<"clone"> = (self, { id, vm, as: target, point, format }) => {
  if (point === undefined && isOn(self, vm)) {
    return startCloneRunning(self, "clone", id, vm, { target, format });
  }
  if (point === undefined && isStarting(self, vm)) {
    return refuse(self, id, "clone", vm, "vm-starting");
  }
  const place = placeOf(self, vm);
  if (typeof place === "string") return refuse(self, id, "clone", vm, place);
  const { array } = place;
  const closed = point === undefined ? { closed: closedDisks(self, vm, array) } : {};
  const params = { vm, array, target, format, upTo: point ?? null, ...closed };
  start(self, copyHierarchy, place.host, id, params);
};

/** Of a VM that is on: while its guest writes. */
const startMigrate: Starter<"migrate-disk-format"> = (self, { id, vm, to, copyKiB }) => {
  if (isOn(self, vm)) {
    const running = runningVm(self, vm, hierarchyDisks(self, vm));
    if (running === undefined) return refuse(self, id, "migrate-disk-format", vm, "vm-starting");
    const { instance, host, array, disks } = running;
    if (disks.length === 0) {
      return refuse(self, id, "migrate-disk-format", vm, "not-snapshottable");
    }
    const params = { vm, instance: instance.id, array, disks, format: to };
    const extra = { copySectors: copyKiB * 2 };
    return void start(self, moveFormat, host, id, { ...params, ...extra });
  }
  const place = isStarting(self, vm) ? "vm-starting" : placeOf(self, vm);
  if (typeof place === "string") return refuse(self, id, "migrate-disk-format", vm, place);
  const { array } = place;
  const closed = closedDisks(self, vm, array);
  const params = { vm, array, target: vm, format: to, upTo: null, closed };
  start(self, copyHierarchy, place.host, id, params);
};

const startCollect: Starter<"collect-garbage"> = (self, { id, array, host }) => {
  const { world } = self;
  const at = world.named(host);
  if (!world.isUp(at.domain)) return refuse(self, id, "collect-garbage", "", "host-down");
  start(self, collectGarbage, at, id, { array: world.named(array).id });
};

export const hierarchyStarters = {
  revert: startRevert,
  "delete-snapshot": startDeleteSnapshot,
  clone: startClone,
  "migrate-disk-format": startMigrate,
  "collect-garbage": startCollect,
};
