/** Parameters, state and small steps of a promotion. */
import {
  done,
  type EntityId,
  fail,
  type Operation,
  type Plain,
  type PlainObject,
  type SectorContent,
  type Step,
} from "../../kernel/index.ts";
import type { ArrayFiles } from "../chain/array-files.ts";
import { adoptFlat } from "../chain/change-layers.ts";
import {
  asDescriptor,
  contentIdOf,
  descriptorFileOf,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import type { Merge, VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import type { PromotedDisk, PromotionIntent } from "./intent.ts";

export type PromotionParams = {
  /** The clone. */
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  /** Points in time of its own are carried over; else a clone that has some is refused. */
  readonly carrySnapshots?: boolean;
  /** Sectors that are locked and copied at a time. Default: 1,024. */
  readonly copySectors?: number;
};

export type PromotionState = {
  intent: PromotionIntent | null;
  intentVersion: number;
  configuration: VmConfiguration | null;
  configurationVersion: number;
  /** Volumes of the shared part of each disk's chain. */
  shared: { [disk: string]: string[] };
  /** Disks for which space was set aside, and those that stand on their new base. */
  reserved: string[];
  switched: string[];
  /** Device of each new base, and the next sector to look at. */
  targets: { [disk: string]: EntityId };
  cursors: { [disk: string]: number };
  aborted: boolean;
  failure: { code: string; detail: Plain } | null;
  startedNs: number;
  stunnedAtNs: number;
  stunNs: number;
  longestStunNs: number;
  copiedSectors: number;
  mirroredSectors: number;
  conflicts: number;
};

export type PromotionOp = Operation<PromotionParams & PlainObject, PromotionState & PlainObject>;

export const initialPromotion = (): PromotionState => ({
  intent: null,
  intentVersion: 0,
  configuration: null,
  configurationVersion: 0,
  shared: {},
  reserved: [],
  switched: [],
  targets: {},
  cursors: {},
  aborted: false,
  failure: null,
  startedNs: 0,
  stunnedAtNs: -1,
  stunNs: 0,
  longestStunNs: 0,
  copiedSectors: 0,
  mirroredSectors: 0,
  conflicts: 0,
});

/** An open disk that is promoted, and the highest of the layers that go into its new base. */
type Promoting = {
  readonly disk: VirtualDiskEntity;
  readonly id: string;
  readonly part: PromotedDisk;
  readonly to: number;
};

export function promoting(
  { state }: PromotionOp,
  disks: readonly VirtualDiskEntity[],
): readonly Promoting[] {
  const { mode, disks: parts } = state.intent!;
  return disks.flatMap((disk) => {
    const id = disk.config.disk;
    const part = parts[id];
    if (part === undefined) return [];
    const { layers } = disk.volatile;
    const shared = layers.findIndex(({ descriptor }) => descriptor === part.shared);
    return [{ disk, id, part, to: mode === "merge" ? layers.length - 1 : shared }];
  });
}

export function sharedVolumes(
  files: ArrayFiles,
  { disks }: PromotionIntent,
): { readonly [disk: string]: readonly string[] } {
  const volumes = Object.entries(disks).map(([id, { shared }]): [string, string[]] => [
    id,
    files.chainOf(shared).map((name) => files.descriptor(name)!.volume),
  ]);
  return Object.fromEntries(volumes);
}

/** Sectors to copy: what the shared layers hold, and in a merge what the clone's own do. */
export function todoOf(disk: VirtualDiskEntity): SectorContent {
  return disk.content("to-promote", disk.config.sectors);
}

export function dropTodo(disk: VirtualDiskEntity): void {
  disk.world.contents.remove(`${disk.name}#to-promote`);
}

/** The new base has a content id of its own: it is nobody's child and nobody's twin. */
export function baseDescriptor(disk: VirtualDiskEntity, { base }: PromotedDisk): PlainObject {
  const { sectors, grainSectors } = disk.config;
  return descriptorFileOf({
    cid: contentIdOf(base),
    parentCid: 0,
    parent: null,
    volume: volumeOf(base),
    kind: "flat",
    sectors,
    grainSectors,
  });
}

/** The clone's lowest own layer, standing on the new base. */
export function carriedDescriptor(value: PlainObject, { base }: PromotedDisk): PlainObject {
  const lowest = asDescriptor(value);
  return descriptorFileOf({ ...lowest, parent: base, parentCid: contentIdOf(base) });
}

/** The configuration with the new bases running. */
export function promotedConfiguration({ state }: PromotionOp): VmConfiguration {
  const running = { ...state.configuration!.running };
  for (const [id, { base }] of Object.entries(state.intent!.disks)) running[id] = base;
  return { ...state.configuration!, running };
}

/** The open chain follows the pointer. */
export function adoptBase(op: PromotionOp, { disk, id, part, to }: Promoting): void {
  noteMerge(op, disk.volatile.merge);
  const volume = volumeOf(part.base);
  adoptFlat(disk, to, {
    descriptor: part.base,
    volume,
    kind: "flat",
    device: op.state.targets[id]!,
  });
  dropTodo(disk);
  op.edit().switched.push(id);
}

export function noteMerge(op: PromotionOp, merge: Merge | null): void {
  if (merge === null) return;
  const state = op.edit();
  state.copiedSectors += merge.copiedSectors;
  state.mirroredSectors += merge.mirroredSectors;
  state.conflicts += merge.conflicts;
}

export function noteUnstunned(op: PromotionOp, nowNs: number): void {
  const state = op.edit();
  if (state.stunnedAtNs < 0) return;
  const stunNs = nowNs - state.stunnedAtNs;
  state.stunNs += stunNs;
  state.longestStunNs = Math.max(state.longestStunNs, stunNs);
  state.stunnedAtNs = -1;
}

export function ended({ state }: PromotionOp, nowNs: number): Step {
  const { failure, copiedSectors, mirroredSectors, conflicts, stunNs, longestStunNs } = state;
  if (failure !== null) return fail(failure.code, failure.detail);
  const durationNs = nowNs - state.startedNs;
  return done({ copiedSectors, mirroredSectors, conflicts, stunNs, longestStunNs, durationNs });
}
