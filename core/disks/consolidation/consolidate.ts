/**
 * Snapshot consolidation in one pass, with a mirror (US 10,956,041).
 *
 * The copier walks the delta once. Meanwhile each guest write goes to delta and target, so no pass
 * is ever repeated and a busy guest cannot outrun it. Must hold: what the guest reads never depends
 * on how far the pass has come, nor on where a crash strikes; for while the delta exists every
 * sector that is written to the target is in the delta too, and shadowed by it.
 *
 * A failure of the delta is the guest's, as it always was; a failure of the target ends the job and
 * the guest never hears of it. A layer in the middle of a chain is merged in the same way, but
 * nothing writes to it, so no mirror is needed and the guest is stunned for the switch alone.
 *
 * Runs in the domain of the VM's host; files and volumes are asked of the array.
 */
import {
  type Entity,
  go,
  operation,
  type PlainObject,
  together,
  lookAgain,
} from "../../kernel/index.ts";
import { beginMerge } from "../chain/change-layers.ts";
import { mapOf } from "../chain/layers.ts";
import { askDevice, askInstance, DRAIN_POLL_NS, whileOpen } from "../chain/open-disks.ts";
import { isDrained } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { closingPhases } from "./closing.ts";
import {
  type ConsolidationOp,
  type ConsolidationParams,
  type ConsolidationState,
  initialConsolidation,
  mergingDisks,
  noteUnstunned,
} from "./consolidation-state.ts";
import { COPY_DEPTH, COPY_SECTORS, nextRanges } from "./copy-plan.ts";
import { openingPhases } from "./opening.ts";

/** The pass itself, from the mirror's insertion until all that is needed is flushed. */
export const passPhases = {
  insertMirror: whileOpen((_host, op: ConsolidationOp, disks) => {
    const { lock = "range", undrained = false } = op.params.careless ?? {};
    for (const { disk, layer } of mergingDisks(op, disks)) {
      const target = disk.volatile.layers[layer - 1]!.device;
      const merge = { target, layer: layer - 1, from: layer, to: layer, lock };
      beginMerge(disk, merge, isTop(disk, layer) && !undrained);
    }
    if (op.state.stunnedAtNs < 0 || op.state.staysStunned) return go("copy");
    return askInstance(op.params.instance, "unstun", "unstunned", "vmGone");
  }),

  unstunned(host: Entity, op: ConsolidationOp) {
    noteUnstunned(op, host.simulatedNs);
    return go("copy");
  },

  /** Next ranges of the delta; each is locked while it is read here and written there. */
  copy: whileOpen((_host, op: ConsolidationOp, disks) => {
    if (op.state.aborted) return go("giveUp");
    const { copySectors = COPY_SECTORS } = op.params;
    for (const { disk, id, layer } of mergingDisks(op, disks)) {
      const from = op.state.cursors[id] ?? 0;
      const { ranges, cursor } = nextRanges(mapOf(disk, layer), from, copySectors, COPY_DEPTH);
      op.edit().cursors[id] = cursor;
      if (ranges.length === 0) continue;
      const copies = ranges.map((range) =>
        askDevice(disk.id, { op: "copy", ...range, whole: false }, "giveUp"),
      );
      return together(copies, "copy", "giveUp");
    }
    return go("settle");
  }),

  /** Everything that the new chain consists of is durable before any pointer leads to it. */
  settle: whileOpen((_host, op: ConsolidationOp, disks) =>
    flushTargets(op, disks, op.state.stunnedAtNs < 0 ? "stun" : "drainForSwitch"),
  ),

  stun: (_host: Entity, op: ConsolidationOp) =>
    askInstance(op.params.instance, "stun", "drainForSwitch", "vmGone"),

  drainForSwitch: whileOpen((host, op: ConsolidationOp, disks) => {
    if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
    if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainForSwitch");
    return go("copySuspects");
  }),

  /** Where a write failed on the delta alone the two differ: the delta is what the guest sees. */
  copySuspects: whileOpen((_host, op: ConsolidationOp, disks) => {
    const copies = mergingDisks(op, disks).flatMap(({ disk }) =>
      disk.volatile.merge!.suspects.map((range) =>
        askDevice(disk.id, { op: "copy", ...range, whole: true }, "giveUp"),
      ),
    );
    return together(copies, "flush", "giveUp");
  }),

  /** What was written since the first flush, in the stun: little is left. */
  flush: whileOpen((_host, op: ConsolidationOp, disks) => {
    const failed = disks.find(({ volatile }) => (volatile.merge?.failed ?? null) !== null);
    if (failed !== undefined) return go("giveUpTarget");
    return flushTargets(op, disks, "switchOver");
  }),

  giveUpTarget: whileOpen((_host, op: ConsolidationOp, disks) => {
    const failed = disks.find(({ volatile }) => (volatile.merge?.failed ?? null) !== null);
    const code = failed?.volatile.merge?.failed?.code ?? "";
    op.edit().failure ??= { code: "target-error", detail: code } as never;
    return go("giveUp");
  }),
};

export const consolidate = operation<
  ConsolidationParams & PlainObject,
  ConsolidationState & PlainObject
>(
  "consolidate",
  {
    ...openingPhases("mirror", "prepare"),

    prepare: whileOpen((_host, op: ConsolidationOp, disks) => {
      const merging = mergingDisks(op, disks);
      if (merging.length === 0) return go("removeDelta");
      const live = merging.some(({ disk, layer }) => isTop(disk, layer));
      if (!live) return go("insertMirror");
      return askInstance(op.params.instance, "stun", "drain", "vmGone");
    }),

    /** A write that is on its way would miss the mirror. */
    drain: whileOpen((host, op: ConsolidationOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      const drained = op.params.careless?.undrained === true || disks.every(isDrained);
      return drained ? go("insertMirror") : lookAgain(DRAIN_POLL_NS, "drain");
    }),

    ...passPhases,
    ...closingPhases,
  },
  () => initialConsolidation() as ConsolidationState & PlainObject,
);

const isTop = (disk: VirtualDiskEntity, layer: number): boolean =>
  layer === disk.volatile.layers.length - 1;

function flushTargets(op: ConsolidationOp, disks: readonly VirtualDiskEntity[], next: string) {
  if (op.params.careless?.unflushed === true) return go(next);
  const targets = mergingDisks(op, disks).map(({ disk, layer }) =>
    askDevice(disk.volatile.layers[layer - 1]!.device, { op: "flush" }, "giveUp"),
  );
  return together(targets, next, "giveUp");
}
