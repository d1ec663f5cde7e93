/** Bugs in what is done with virtual disks. */
import type { Bug } from "./bug.ts";

const storm = { explore: "scenarios/storage-storm.ts" } as const;

export const diskBugs: readonly Bug[] = [
  {
    name: "snapshot-without-drain",
    what: "A snapshot flushes and switches while writes of the guest are still under way.",
    file: "core/disks/snapshot/snapshot.ts",
    find: 'disksOf(host, op).every(isDrained) ? go("flush") : wait(DRAIN_POLL_NS, "drain"),',
    replace: 'disksOf(host, op).every(isDrained) || DRAIN_POLL_NS > 0 ? go("flush") : go("drain"),',
    caughtBy: storm,
  },
  {
    name: "undo-removes-the-others-layers",
    what: "A snapshot that lost a race removes the layers of the one that won it.",
    file: "core/disks/snapshot/snapshot.ts",
    find: "made.filter((descriptor) => !inUse.has(descriptor))",
    replace: "made.filter((descriptor) => inUse.size > 0 || descriptor)",
    caughtBy: storm,
  },
  {
    name: "checkpoint-copies-the-top-layer-alone",
    what: "A checkpoint above points in time copies the frozen layer and none below it.",
    file: "core/disks/checkpoint/copy-point.ts",
    find: "for (let each = from; each <= layer; each++)",
    replace: "for (let each = Math.max(from, layer); each <= layer; each++)",
    caughtBy: storm,
  },
  {
    name: "merge-without-locks",
    what: "A merge copies ranges that the guest is writing to, and what it wrote is undone.",
    file: "core/disks/chain/range-locks.ts",
    find: "if (meet(range, { from: lockFrom, to: lockTo })) return",
    replace: "if (!copies && meet(range, { from: lockFrom, to: lockTo })) return",
    caughtBy: storm,
  },
  {
    name: "flush-stops-in-the-page-cache",
    what: "A flush writes dirty pages down and never tells the device below to flush.",
    file: "core/platform/storage/write-back.ts",
    find: 'if (round.waiters.length === 0 || round.failed !== "") return endRound(self);',
    replace: 'if (round.waiters.length >= 0 || round.failed !== "") return endRound(self);',
    caughtBy: storm,
  },
];
