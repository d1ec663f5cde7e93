/**
 * How every method of consolidation ends. Inside a stun, with everything that the new chain
 * consists of durable, the child's descriptor is made to lead to the target's volume: one atomic
 * write, before which the chain is the old one and after which it is the new one. Whoever named the
 * child (configuration, points in time, layers above) names the same content as before. Only then
 * what nobody leads to any more is removed, and the intent last.
 */
import {
  type Entity,
  fail,
  go,
  perform,
  type Plain,
  type PlainObject,
  together,
  lookAgain,
  wait,
  type Refusal,
} from "../../kernel/index.ts";
import { type Scan, ArrayFiles, scan } from "../chain/array-files.ts";
import { AGAIN_NS, asLongAs, askArray, deleteFile, removeIntent } from "../chain/array-requests.ts";
import { adoptMerged, endMerge } from "../chain/change-layers.ts";
import {
  descriptorFileOf,
  type DiskDescriptor,
  configurationFile,
  intentFile,
} from "../chain/descriptor.ts";
import { closeDevice } from "../chain/open-device.ts";
import { askInstance, DRAIN_POLL_NS, whileOpen } from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { isDrained, isIdle } from "../chain/virtual-disk.ts";
import {
  type ConsolidationOp,
  figuresOf,
  intentOf,
  mergingDisks,
  noteRound,
  noteUnstunned,
} from "./consolidation-state.ts";
import { planMerges, UNLISTED } from "./plan.ts";

export const closingPhases = {
  /** The linearization point of each disk; the disks need not switch together. */
  switchOver: (_host: Entity, op: ConsolidationOp) =>
    scan(op.params.array, "switchNext", "switchAgain"),

  switchAgain: () => wait(AGAIN_NS, "switchOver"),

  switchNext: whileOpen<ConsolidationOp, Scan>((_host, op, disks, found) => {
    const next = mergingDisks(op, disks)[0];
    if (next === undefined) return go("resumeGuest");
    const files = new ArrayFiles(found);
    const { child, target } = op.state.merges[next.id]!;
    const file = files.get(child!);
    const [upper, lower] = [child!, target].map((name) => files.descriptor(name));
    if (file === undefined || upper === undefined || lower === undefined) return go("superseded");
    const params = {
      array: op.params.array,
      name: child!,
      value: descriptorFileOf(repointed(upper, lower)),
      before: file.value,
      version: file.version,
    };
    return perform(surelyWrite, params as unknown as PlainObject, "adopt", "keepOld");
  }),

  /** Another host has taken the VM over and ended this: what was to be merged is not there any more. */
  superseded: () => fail("superseded"),

  /** The open chain follows; the mirror is taken out in the same stun. */
  adopt: (_host: Entity, _op: ConsolidationOp, { written }: Written & PlainObject) =>
    go(written ? "follow" : "keepOld"),

  /** A backup may still read through the layers: what it asked for comes first. */
  follow: whileOpen<ConsolidationOp>((_host, op, disks) => {
    const [{ disk, id, layer }] = mergingDisks(op, disks) as [ReturnType<typeof mergingDisks>[0]];
    if (!isIdle(disk)) return lookAgain(DRAIN_POLL_NS, "follow");
    noteMerge(op, disk.volatile.merge);
    adoptMerged(disk, layer, op.state.reopened[id]);
    op.edit().switched.push(id);
    return go("switchOver");
  }),

  /** Somebody else changed the descriptor, or the array refused: the old chain is the disk. */
  keepOld(_host: Entity, op: ConsolidationOp, why: Refusal | null) {
    op.edit().failure ??= (why ?? { code: "not-switched", detail: null }) as never;
    return go("drainGivenUp");
  },

  resumeGuest: (_host: Entity, op: ConsolidationOp) =>
    askInstance(op.params.instance, "unstun", "removeDelta", "removeDelta"),

  /** What the switch left behind: the child's old volume and the target's own descriptor. */
  removeDelta(host: Entity, op: ConsolidationOp) {
    noteUnstunned(op, host.simulatedNs);
    const { array } = op.params;
    const gone = Object.entries(op.state.merges).flatMap(([disk, merge]) => {
      const { child, childVolume, target, targetVolume } = merge;
      if (child !== null && !op.state.switched.includes(disk)) return [];
      const volume = child === null ? targetVolume : childVolume;
      const drop = askArray(array, "delete-volume", { name: volume }, "");
      return [deleteFile(array, target, ""), { ...drop, tolerate: ["gone"] }];
    });
    return together(asLongAs(intentOf(op), gone), "lookForMore", "removeAgain");
  },

  removeAgain: () => wait(AGAIN_NS, "removeDelta"),

  /** Methods that leave layers of their own go on until none is left. */
  lookForMore(_host: Entity, op: ConsolidationOp) {
    noteRound(op);
    if (!op.state.takesAll || op.state.failure !== null) return go("closeIntent");
    return scan(op.params.array, "planNext", "lookForMoreAgain");
  },

  lookForMoreAgain: () => wait(AGAIN_NS, "scanForMore"),

  scanForMore: (_host: Entity, op: ConsolidationOp) =>
    scan(op.params.array, "planNext", "lookForMoreAgain"),

  planNext(_host: Entity, op: ConsolidationOp, found: Scan) {
    const { vm, array, under = [] } = op.params;
    const files = new ArrayFiles(found);
    const name = intentFile(vm);
    const plan = planMerges(files, vm, UNLISTED, [name, ...under]);
    const intent = files.get(name);
    // Another one than it wrote: another host has settled this.
    if (!plan.ok || intent?.version !== op.state.intentVersion) return go("closeIntent");
    const configuration = files.get(configurationFile(vm))!;
    const state = op.edit();
    state.merges = plan.merges as never;
    state.switched = [];
    state.cursors = {};
    state.configuration = configuration.value as never;
    state.configurationVersion = configuration.version;
    const value = { ...intent.value, merges: plan.merges } as unknown as PlainObject;
    const params = { array, name, value, before: intent.value, version: intent.version };
    return perform(surelyWrite, params as unknown as PlainObject, "nextRound", "closeIntent");
  },

  nextRound(_host: Entity, op: ConsolidationOp, { written, version }: Written & PlainObject) {
    op.edit().intentVersion = version;
    return go(written ? "prepare" : "closeIntent");
  },

  closeIntent: (_host: Entity, op: ConsolidationOp) =>
    removeIntent(op.params.array, intentOf(op), "report", "closeAgain"),

  closeAgain: () => wait(AGAIN_NS, "closeIntent"),

  report(host: Entity, op: ConsolidationOp) {
    const { failure, startedNs } = op.state;
    if (failure !== null) return fail(failure.code, failure.detail as Plain);
    const { vm, pointInTime } = op.params;
    host.notice("consolidated", { vm, pointInTime, merges: op.state.merges });
    return figuresOf(op, { durationNs: host.simulatedNs - startedNs });
  },

  /**
   * Given up, by request or because of a failure: the chain reads right without the mirror, as it
   * did all the time. What was copied so far lies under the delta and is not seen.
   */
  giveUp(_host: Entity, op: ConsolidationOp, why: Refusal | null) {
    op.edit().failure ??= (why ?? { code: "aborted", detail: null }) as never;
    if (op.state.stunnedAtNs >= 0) return go("drainGivenUp");
    return askInstance(op.params.instance, "stun", "stunnedGivenUp", "vmGone");
  },

  stunnedGivenUp(host: Entity, op: ConsolidationOp) {
    op.edit().stunnedAtNs = host.simulatedNs;
    return go("drainGivenUp");
  },

  drainGivenUp: whileOpen<ConsolidationOp>((_host, op, disks) => {
    if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainGivenUp");
    for (const disk of disks) {
      noteMerge(op, endMerge(disk));
      const reopened = op.state.reopened[disk.config.disk];
      const isAdopted = disk.volatile.layers.some(({ device }) => device === reopened);
      if (reopened !== undefined && !isAdopted) closeDevice(disk.world, reopened);
    }
    return go("resumeGuest");
  }),

  vmGone: () => fail("vm-off"),
};

/** The child's descriptor, leading where its parent led. Its content id stays: so does its content. */
function repointed(child: DiskDescriptor, target: DiskDescriptor): DiskDescriptor {
  const { parent, parentCid, volume, kind } = target;
  return { ...child, parent, parentCid, volume, kind };
}

function noteMerge(
  op: ConsolidationOp,
  merge: { copiedSectors: number; mirroredSectors: number; conflicts: number } | null,
): void {
  if (merge === null) return;
  const state = op.edit();
  state.copiedSectors += merge.copiedSectors;
  state.mirroredSectors += merge.mirroredSectors;
  state.conflicts += merge.conflicts;
}
