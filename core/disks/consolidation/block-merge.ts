/**
 * Consolidation by metadata (US 9,116,726), a baseline: the array makes the delta's blocks the
 * target's, without moving data; it is restartable, for the delta stays whole until the descriptor
 * leads to the target. But the guest must not write meanwhile: a delta that it runs on is merged in
 * one stun, whose length grows with the delta's extents.
 */
import {
  type Entity,
  fail,
  go,
  operation,
  type PlainObject,
  type SectorRange,
  together,
  lookAgain,
} from "../../kernel/index.ts";
import { askArray } from "../chain/array-requests.ts";
import { mapOf, markHeld } from "../chain/layers.ts";
import { openDevice } from "../chain/open-device.ts";
import { askDevice, askInstance, DRAIN_POLL_NS, whileOpen } from "../chain/open-disks.ts";
import { isDrained } from "../chain/virtual-disk.ts";
import { closingPhases } from "./closing.ts";
import {
  type ConsolidationOp,
  type ConsolidationParams,
  type ConsolidationState,
  initialConsolidation,
  mergingDisks,
} from "./consolidation-state.ts";
import { nextRanges } from "./copy-plan.ts";
import { openingPhases } from "./opening.ts";

/** Sectors whose extents one request merges, and requests at once. */
const STEP_SECTORS = 131_072;
const STEP_DEPTH = 4;

export const blockMergeConsolidate = operation<
  ConsolidationParams & PlainObject,
  ConsolidationState & PlainObject
>(
  "consolidate-block-merge",
  {
    ...openingPhases("block-merge", "prepare"),

    prepare: whileOpen((_host, op: ConsolidationOp, disks) => {
      if (mergingDisks(op, disks).length === 0) return go("removeDelta");
      return askInstance(op.params.instance, "stun", "drain", "vmGone");
    }),

    drain: whileOpen((host, op: ConsolidationOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      return disks.every(isDrained) ? go("flush") : lookAgain(DRAIN_POLL_NS, "drain");
    }),

    /** The array merges what it has: memory of the host goes down first, of delta and target. */
    flush: whileOpen((_host, op: ConsolidationOp, disks) => {
      const flushes = mergingDisks(op, disks).flatMap(({ disk, layer }) =>
        [layer, layer - 1].map((each) =>
          askDevice(disk.volatile.layers[each]!.device, { op: "flush" }, "giveUp"),
        ),
      );
      return together(flushes, "mergeBlocks", "giveUp");
    }),

    mergeBlocks: whileOpen((_host, op: ConsolidationOp, disks) => {
      if (op.state.aborted) return go("giveUp");
      for (const { disk, id, layer } of mergingDisks(op, disks)) {
        const from = op.state.cursors[id] ?? 0;
        const held = mapOf(disk, layer);
        const { ranges, cursor } = nextRanges(held, from, STEP_SECTORS, STEP_DEPTH);
        const state = op.edit();
        state.cursors[id] = cursor;
        if (ranges.length === 0) continue;
        const { childVolume, targetVolume: to } = op.state.merges[id]!;
        const asks = ranges.map((range: SectorRange) =>
          askArray(op.params.array, "merge-blocks", { from: childVolume, to, ...range }, ""),
        );
        return together(asks, "mergeBlocks", "giveUp");
      }
      return go("reopen");
    }),

    /** What the host remembers of the target is out of date. */
    reopen: whileOpen((_host, op: ConsolidationOp, disks) => {
      for (const { disk, id, layer } of mergingDisks(op, disks)) {
        const { access } = op.params.disks.find((each) => each.disk === id)!;
        const { volume } = disk.volatile.layers[layer - 1]!;
        const device = openDevice(disk as unknown as Entity, access, volume, disk.config.sectors);
        op.edit().reopened[id] = device;
        for (const { sector, sectors } of mapOf(disk, layer).allocatedRuns()) {
          markHeld(disk, layer - 1, sector, sectors);
        }
      }
      return go("switchOver");
    }),

    ...closingPhases,

    vmGone: () => fail("vm-off"),
  },
  () => initialConsolidation() as ConsolidationState & PlainObject,
);
