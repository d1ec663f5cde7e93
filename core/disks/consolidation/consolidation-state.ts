/** What every method of consolidation is given and keeps: parameters, state, and the figures. */
import type { EntityId, Operation, Plain, PlainObject, Step } from "../../kernel/index.ts";
import { assert, done } from "../../kernel/index.ts";
import { intentGiven, type VmConfiguration } from "../chain/descriptor.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import type { LockPolicy, VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import type { ConsolidationIntent, LayerMerge } from "./intent.ts";

/** Ways to do it wrong, for those who want to see what the right way protects against. */
export type Carelessness = {
  /** How writes are kept apart from a range that is being copied. */
  readonly lock?: LockPolicy;
  /** The descriptor is repointed without the target having been flushed. */
  readonly unflushed?: boolean;
  /** The mirror is put in without waiting for writes that are on their way. */
  readonly undrained?: boolean;
};

export type ConsolidationParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  /** Entity of the array that keeps the VM's files and volumes. */
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  /** The point in time that is given up. */
  readonly pointInTime: string;
  /** Intent of the operation that a crash cut short, when this one takes it up. */
  readonly resume?: ConsolidationIntent;
  /** Sectors that are locked and copied at a time. Default: 1,024. */
  readonly copySectors?: number;
  /** Rounds after which the iterative method stops to hope. Default: 8. */
  readonly maxRounds?: number;
  /** A helper delta of at most so many sectors is copied while the guest waits. Default: 2,048. */
  readonly enoughSectors?: number;
  /** Intent files under which this is a part of a larger operation. */
  readonly under?: readonly string[];
  readonly careless?: Carelessness;
};

export type ConsolidationState = {
  merges: { [disk: string]: LayerMerge };
  configuration: VmConfiguration | null;
  configurationVersion: number;
  intentVersion: number;
  /** Next sector of each disk to look at. */
  cursors: { [disk: string]: number };
  /** Disks whose descriptor leads to the target already. */
  switched: string[];
  aborted: boolean;
  failure: { code: string; detail: Plain } | null;
  stunnedAtNs: number;
  stunNs: number;
  longestStunNs: number;
  copiedSectors: number;
  mirroredSectors: number;
  conflicts: number;
  /** Layers of its own are merged as well, until none is left. */
  takesAll: boolean;
  /** The guest stays stunned from the copy to the switch. */
  staysStunned: boolean;
  /** Another device that leads to the target, where memory of the old one is out of date. */
  reopened: { [disk: string]: EntityId };
  rounds: number;
  /** Sectors that each round copied. */
  roundSectors: number[];
  startedNs: number;
};

export type ConsolidationOp = Operation<
  ConsolidationParams & PlainObject,
  ConsolidationState & PlainObject
>;

export const initialConsolidation = (): ConsolidationState => ({
  merges: {},
  configuration: null,
  configurationVersion: 0,
  intentVersion: 0,
  cursors: {},
  switched: [],
  aborted: false,
  failure: null,
  stunnedAtNs: -1,
  stunNs: 0,
  longestStunNs: 0,
  copiedSectors: 0,
  mirroredSectors: 0,
  conflicts: 0,
  takesAll: false,
  staysStunned: false,
  reopened: {},
  rounds: 0,
  roundSectors: [],
  startedNs: -1,
});

/** The intent as it was opened or last written: under it things are made and go. */
export const intentOf = ({ params, state }: ConsolidationOp) =>
  intentGiven(params.vm, state.intentVersion);

/** The open disks that have a layer to merge, with its index in the chain. */
export function mergingDisks(
  op: ConsolidationOp,
  disks: readonly VirtualDiskEntity[],
): { readonly disk: VirtualDiskEntity; readonly id: string; readonly layer: number }[] {
  return disks.flatMap((disk) => {
    const id = disk.config.disk;
    const merge = op.state.merges[id];
    if (merge === undefined || merge.child === null || op.state.switched.includes(id)) return [];
    const layer = disk.volatile.layers.findIndex(({ descriptor }) => descriptor === merge.child);
    assert(layer >= 1, () => `${disk.name} has no layer ${merge.child} to merge`);
    return [{ disk, id, layer }];
  });
}

export function noteUnstunned(op: ConsolidationOp, nowNs: number): void {
  const state = op.edit();
  if (state.stunnedAtNs < 0) return;
  const stunNs = nowNs - state.stunnedAtNs;
  state.stunNs += stunNs;
  state.longestStunNs = Math.max(state.longestStunNs, stunNs);
  state.stunnedAtNs = -1;
}

/** A pass is over: what it copied. */
export function noteRound(op: ConsolidationOp): void {
  const state = op.edit();
  const before = state.roundSectors.reduce((sum, sectors) => sum + sectors, 0);
  if (Object.keys(state.merges).length === 0) return;
  state.rounds++;
  state.roundSectors.push(state.copiedSectors - before);
}

export function figuresOf({ state }: ConsolidationOp, extra: PlainObject = {}): Step {
  const { copiedSectors, mirroredSectors, conflicts, stunNs, longestStunNs, rounds } = state;
  return done({
    copiedSectors,
    mirroredSectors,
    conflicts,
    stunNs,
    longestStunNs,
    rounds,
    roundSectors: [...state.roundSectors],
    ...extra,
  });
}
