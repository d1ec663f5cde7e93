/** Parameters, state and small steps of the move of a running VM's disks to another format. */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  type Operation,
  type PlainObject,
  type Refusal,
  SECTOR_BYTES,
  type SectorContent,
  type SectorRange,
  type Step,
} from "../../kernel/index.ts";
import { adoptChain, beginMerge, endMerge, type NewLayer } from "../chain/change-layers.ts";
import type { DiskDescriptor } from "../chain/descriptor.ts";
import { mapOf } from "../chain/layers.ts";
import { closeDevice, openDevice } from "../chain/open-device.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import type { LockPolicy, Merge, VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { type CopyState, newCopy } from "../cow/carry-out.ts";
import type { CopyStep, DiskFormat, LiveCopy } from "../cow/hierarchy-plan.ts";

/** Ways to do it wrong, for those who want to see what the right way protects against. */
export type MoveCarelessness = {
  /** How writes are kept apart from a range that is being copied. */
  readonly lock?: LockPolicy;
  /** The configuration leads to the copy without the copy having been flushed. */
  readonly unflushed?: boolean;
};

export type MoveParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly array: EntityId;
  /** Its open disks that are moved. */
  readonly disks: readonly OpenDisk[];
  /** What they become. */
  readonly format: DiskFormat;
  /** Sectors that are locked and copied at a time. Default: 1,024. */
  readonly copySectors?: number;
  readonly careless?: MoveCarelessness;
};

export type MoveState = CopyState & {
  /** Device that leads to each disk's copy, and the next sector to look at. */
  targets: { [disk: string]: EntityId };
  cursors: { [disk: string]: number };
  aborted: boolean;
  /** Of the array, when the copy began. */
  arrayRun: string;
  startedNs: number;
  /** -1 while the guest runs. */
  stunnedAtNs: number;
  stunNs: number;
  longestStunNs: number;
  /** By the host, of what the guest writes to; the array's own copies count apart. */
  liveSectors: number;
  mirroredSectors: number;
  conflicts: number;
};

export type MoveOp = Operation<MoveParams & PlainObject, MoveState & PlainObject>;

export const newMove = (): MoveState & PlainObject =>
  ({
    ...newCopy(),
    targets: {},
    cursors: {},
    aborted: false,
    arrayRun: "",
    startedNs: 0,
    stunnedAtNs: -1,
    stunNs: 0,
    longestStunNs: 0,
    liveSectors: 0,
    mirroredSectors: 0,
    conflicts: 0,
  }) as MoveState & PlainObject;

/** A disk on its way, and what is left of it to copy while the guest writes. */
export type Moving = {
  readonly disk: VirtualDiskEntity;
  readonly open: OpenDisk;
  readonly live: LiveCopy;
};

export function moving(op: MoveOp, disks: readonly VirtualDiskEntity[]): readonly Moving[] {
  return disks.map((disk, i) => {
    const open = op.params.disks[i]!;
    return { disk, open, live: op.state.plan!.live![open.disk]! };
  });
}

/** Name that the array gave for a place of the plan; what has one already keeps it. */
export const named = (op: MoveOp, name: string): string => op.state.names[name] ?? name;

/** Sectors that are still to be copied; part of the disk's memory on this host. */
export function toMove(disk: VirtualDiskEntity): SectorContent {
  return disk.content("to-move", disk.config.sectors);
}

function forgetMove({ world, name }: VirtualDiskEntity): void {
  world.contents.remove(`${name}#to-move`);
}

export function planRanges(disk: VirtualDiskEntity, ranges: readonly SectorRange[]): void {
  const todo = toMove(disk);
  for (const { sector, sectors } of ranges) {
    // Differences are told by chunk, and the last chunk may reach beyond the end.
    const inside = Math.min(sector + sectors, disk.config.sectors) - sector;
    if (inside > 0) todo.writeZeros(sector, inside);
  }
}

/** What a redo log holds is known here. */
export const heldByTop = (disk: VirtualDiskEntity): readonly SectorRange[] =>
  mapOf(disk, disk.volatile.layers.length - 1).allocatedRuns();

/**
 * From here on guest writes go to the copy as well. Zeros: written where they have to hide what the
 * copy stands on, given back by a base that holds it, left out where the copy is empty.
 */
export function insertMirror(op: MoveOp, { disk, open, live }: Moving): void {
  const to = disk.volatile.layers.length - 1;
  const { format, careless = {} } = op.params;
  const target = openDevice(
    disk as unknown as Entity,
    open.access,
    named(op, live.to),
    disk.config.sectors,
  );
  op.edit().targets[open.disk] = target;
  const zeros: Merge["zeros"] =
    format === "cow" ? "discard" : live.since === null ? "skip" : "write";
  const lock = careless.lock ?? "range";
  beginMerge(disk, { target, layer: -1, from: to, to, zeros, lock });
}

function noteMerge(op: MoveOp, merge: Merge | null): void {
  if (merge === null) return;
  const state = op.edit();
  state.liveSectors += merge.copiedSectors;
  state.mirroredSectors += merge.mirroredSectors;
  state.conflicts += merge.conflicts;
}

/** The disks are what they were. */
export function removeMirror(op: MoveOp, { disk, open }: Moving): void {
  const target = op.state.targets[open.disk];
  forgetMove(disk);
  if (target === undefined) return;
  noteMerge(op, endMerge(disk));
  closeDevice(disk.world, target);
  delete op.edit().targets[open.disk];
}

/** Descriptors of the plan from the one that runs down to the one that answers for everything. */
export function newChain(op: MoveOp, { live }: Moving): { name: string; at: DiskDescriptor }[] {
  const described = new Map(
    op.state
      .plan!.steps.filter((step): step is Extract<CopyStep, { do: "describe" }> => {
        return step.do === "describe";
      })
      .map(({ name, descriptor }) => [name, descriptor]),
  );
  const chain: { name: string; at: DiskDescriptor }[] = [];
  for (let name: string | null = live.descriptor; name !== null;) {
    const at: DiskDescriptor = described.get(name)!;
    chain.push({ name, at });
    name = at.kind === "redo" ? at.parent : null;
  }
  return chain;
}

/** The open disk follows the configuration; `held` is in the order of the chain, top first. */
export function adoptCopy(
  op: MoveOp,
  each: Moving,
  held: readonly (readonly SectorRange[])[],
): void {
  const { disk, open } = each;
  const { sectors } = disk.config;
  const layers = newChain(op, each).map(({ name, at }, i): NewLayer => {
    const volume = named(op, at.volume);
    const device =
      i === 0
        ? op.state.targets[open.disk]!
        : openDevice(disk as unknown as Entity, open.access, volume, sectors);
    const kind = at.kind === "redo" ? "redo" : "flat";
    return { descriptor: name, volume, kind, device, held: held[i] ?? [] };
  });
  noteMerge(op, disk.volatile.merge);
  adoptChain(disk, layers.reverse());
  forgetMove(disk);
  delete op.edit().targets[open.disk];
}

export function noteStunned(op: MoveOp, nowNs: number): void {
  if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = nowNs;
}

export function noteUnstunned(op: MoveOp, nowNs: number): void {
  const { stunnedAtNs } = op.state;
  if (stunnedAtNs < 0) return;
  const state = op.edit();
  state.stunNs += nowNs - stunnedAtNs;
  state.longestStunNs = Math.max(state.longestStunNs, nowNs - stunnedAtNs);
  state.stunnedAtNs = -1;
}

/** `bytesMoved`: differences of the points in time and of what runs; the guest's writes are apart. */
export function figuresOf({ state }: MoveOp, nowNs: number): Step {
  const { copiedSectors, liveSectors, mirroredSectors, conflicts, stunNs, longestStunNs } = state;
  return done({
    bytesMoved: (copiedSectors + liveSectors) * SECTOR_BYTES,
    bytesMirrored: mirroredSectors * SECTOR_BYTES,
    copiedSectors,
    liveSectors,
    conflicts,
    stunNs,
    longestStunNs,
    durationNs: nowNs - state.startedNs,
  });
}

export const failureOf = (state: { readonly failure: Refusal | null }): Step =>
  fail(state.failure?.code ?? "superseded", state.failure?.detail ?? null);
