/**
 * A recovery that comes very late: it looked at the intent of an operation that was cut short, its
 * host was slow, somebody else settled the same, and the next operation of the VM has begun when it
 * goes on. Must hold: nothing of the next one goes with it, neither what its intent holds nor the
 * intent itself.
 */
import { describe, expect, it } from "vitest";
import { go, wait } from "../../kernel/index.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { decideSnapshot, SNAPSHOT_RECOVERY } from "./recover-cow-snapshot.ts";
import { settling } from "./recovery-loop.ts";
import { revert } from "./revert.ts";
import type { CowRig } from "./testing/cow-rig.ts";
import {
  contents,
  expectSettled,
  points,
  same,
  snapshotParams,
  withHistory,
} from "./testing/history.ts";

const NEXT = {
  snapshot: (rig: CowRig) => {
    rig.powerOn();
    return rig.start(cowSnapshot, snapshotParams(rig, "four"));
  },
  revert: (rig: CowRig) => rig.start(revert, { pointInTime: "one" }),
  copy: (rig: CowRig) => rig.start(copyHierarchy, { target: "copy", format: "cow", upTo: null }),
  deletion: (rig: CowRig) => rig.start(deletePoint, { pointInTime: "one" }),
};

const holdersOf = (rig: CowRig): string[] =>
  [...Object.values(rig.vvols.durable.snapshots), ...Object.values(rig.vvols.durable.bases)]
    .flatMap(({ holders }) => [...holders])
    .filter((holder) => holder.startsWith("intent:"));

/** A recovery that has done all but close the intent, and one that did it before; `next` begun. */
function withLateRecovery(next: keyof typeof NEXT, moment: number) {
  const rig = withHistory();
  let isSlow = true;
  const late = settling("recover-late", decideSnapshot, {
    ...SNAPSHOT_RECOVERY,
    releaseMade: () => (isSlow ? wait(10_000, "releaseMade") : go("close")),
  });
  rig.world.register(late as never);
  rig.start(cowSnapshot, snapshotParams(rig, "three"));
  rig.runUntil(() => holdersOf(rig).length > 0);
  rig.crashHost();
  rig.run(1_000_000);
  rig.restartHost();
  const first = rig.file("db.intent")!["operation"];
  rig.start(late, {});
  rig.run(5_000_000);
  rig.startSettling();
  rig.runUntil(() => rig.file("db.intent") === undefined);
  rig.run(5_000_000);
  const id = NEXT[next](rig);
  rig.runUntil(() => rig.file("db.intent") !== undefined);
  if (next !== "deletion") rig.runUntil(() => holdersOf(rig).length > 0);
  for (let i = 0; i < moment && rig.file("db.intent") !== undefined; i++) {
    rig.world.run({ untilEvent: rig.world.eventCount + 1 });
  }
  expect(rig.file("db.intent")?.["operation"] ?? id).not.toBe(first);
  isSlow = false;
  return { rig, id };
}

describe("a very late recovery", () => {
  it.each(Object.keys(NEXT) as (keyof typeof NEXT)[])(
    "takes nothing from a %s that has begun since, at any moment of it",
    (next) => {
      for (let moment = 0; moment < 60; moment += 4) {
        const { rig, id } = withLateRecovery(next, moment);
        const before = contents(rig);
        const where = `after ${moment} events`;
        expect(rig.finish(id), where).toBe("complete");
        expectSettled(rig, where);
        if (next === "snapshot") expect(points(rig), where).toEqual(["one", "two", "four"]);
        if (next !== "revert") expect(same(contents(rig), before), where).toBe(true);
        expect(holdersOf(rig), where).toEqual([]);
      }
    },
    60_000,
  );
});
