/**
 * Every operation on copy-on-write disks, cut short after each of its durable steps and its recovery
 * after each of its own. After each: no intent is left, points in time are as they were, the VM runs
 * on what it ran on or on what the operation makes, nothing is left over.
 */
import { describe, expect, it } from "vitest";
import { type AskStep, type Entity, go, operation, type PlainObject } from "../../kernel/index.ts";
import { listVvols } from "../../platform/index.ts";
import { allocatedChunks, unsharedRanges } from "../../platform/storage/vvols/differences.ts";
import { collectGarbage, garbageOf } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { CowView, releaseHolder } from "./cow-files.ts";
import { intentHolder } from "./cow-intents.ts";
import {
  COW_SNAPSHOT_PHASES,
  cowSnapshot,
  type CowSnapshotParams,
  newCowSnapshot,
} from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { decideSnapshot, SNAPSHOT_RECOVERY } from "./recover-cow-snapshot.ts";
import { settling, type SettleOp } from "./recovery-loop.ts";
import { newRevert, revert, REVERT_PHASES, type RevertParams } from "./revert.ts";
import { type CowRig, SECTORS } from "./testing/cow-rig.ts";
import { enumerateCrashes } from "./testing/enumerate-crashes.ts";
import {
  contents,
  expectSettled,
  expectThorough,
  points,
  same,
  snapshotParams,
  withHistory,
} from "./testing/history.ts";

const LOSSES = ["host", "array", "nothing"] as const;

describe("cut short after each durable step", () => {
  it.each(LOSSES)("a snapshot stands or never was (loses the %s)", (lose) => {
    const rig = withHistory();
    const before = contents(rig);
    const outcomes = new Set<number>();
    const counts = enumerateCrashes(rig, {
      lose,
      start: () => rig.start(cowSnapshot, snapshotParams(rig, "three")),
      check: (where) => {
        expectSettled(rig, where);
        outcomes.add(points(rig).length);
        expect(same(contents(rig), before), where).toBe(true);
      },
    });
    expect(outcomes).toEqual(new Set([2, 3]));
    expectThorough(counts, lose, 15);
  });

  it.each(LOSSES)("a revert stands, or the disks are as before (loses the %s)", (lose) => {
    const rig = withHistory();
    rig.powerOff();
    const before = contents(rig);
    const image = rig.capture();
    expect(rig.do(revert, { pointInTime: "one" })).toBe("complete");
    const after = contents(rig);
    rig.restore(image);
    const outcomes = new Set<string>();
    const counts = enumerateCrashes(rig, {
      lose,
      start: () => rig.start(revert, { pointInTime: "one" }),
      check: (where) => {
        expectSettled(rig, where);
        const now = contents(rig);
        const parent = rig.descriptor(rig.configuration().running["d0"]!).parent;
        const outcome = parent === "db-d0.vmdk" ? "forward" : "back";
        outcomes.add(outcome);
        expect(same(now, outcome === "forward" ? after : before), where).toBe(true);
        expect(Object.keys(rig.vvols.durable.snapshots).length, where).toBe(4);
      },
    });
    expect([...outcomes].sort()).toEqual(["back", "forward"]);
    expectThorough(counts, lose, 15);
  });

  it.each(LOSSES)("a point in time is there or deleted (loses the %s)", (lose) => {
    const rig = withHistory();
    const before = contents(rig);
    const outcomes = new Set<string>();
    const counts = enumerateCrashes(rig, {
      lose,
      start: () => rig.start(deletePoint, { pointInTime: "one" }),
      check: (where) => {
        expectSettled(rig, where);
        const left = points(rig);
        outcomes.add(left.join(" "));
        expect(same(contents(rig), before), where).toBe(true);
        expect(Object.keys(rig.vvols.durable.snapshots).length, where).toBe(2 * left.length);
      },
    });
    if (lose !== "nothing") expect(outcomes).toEqual(new Set(["one two", "two"]));
    expectThorough(counts, lose, 6);
  });

  it.each([
    ["host", "redo", "db"],
    ["array", "redo", "db"],
    ["host", "cow", "copy"],
    ["nothing", "cow", "copy"],
    ["nothing", "redo", "copy"],
    ["nothing", "redo", "db"],
  ] as const)(
    "a copy is whole or never was (loses the %s, to %s of %s)",
    (lose, format, target) => {
      const rig = withHistory({ disks: 1 });
      rig.powerOff();
      const before = contents(rig);
      const outcomes = new Set<string>();
      const counts = enumerateCrashes(rig, {
        lose,
        start: () => rig.start(copyHierarchy, { target, format, upTo: null }),
        check: (where) => {
          expectSettled(rig, where);
          expect(points(rig), where).toEqual(["one", "two"]);
          expect(same(contents(rig), before), where).toBe(true);
          const copied =
            target === "db"
              ? rig.descriptor(rig.configuration().running["d0"]!).kind === "redo"
              : rig.file("copy.vmx") !== undefined;
          outcomes.add(copied ? "forward" : "back");
          const families = Object.keys(rig.vvols.durable.bases).length;
          const more = copied ? (format === "cow" ? 1 : 0) : 0;
          expect(families, where).toBe(target === "db" && copied ? 0 : 1 + more);
          const volumes = Object.keys(rig.array.durable.volumes).length;
          expect(volumes, where).toBe(families + (copied && format === "redo" ? 3 : 0));
        },
      });
      expect([...outcomes].sort()).toEqual(["back", "forward"]);
      expectThorough(counts, lose, 15);
    },
  );
});

describe("a copy", () => {
  it.each(["cow", "redo"] as const)("moves the differences and no more (to %s)", (format) => {
    const rig = withHistory({ disks: 1 });
    rig.powerOff();
    const [s1, s2] = rig.vvols.durable.bases["db-d0"]!.snapshots as [string, string];
    const sum = (ranges: readonly { readonly sectors: number }[]): number =>
      ranges.reduce((total, { sectors }) => total + sectors, 0);
    const differences =
      sum(allocatedChunks(rig.vvols, s1)) +
      sum(unsharedRanges(rig.vvols, s2, s1)) +
      sum(unsharedRanges(rig.vvols, "db-d0", s2));
    const id = rig.start(copyHierarchy, { target: "copy", format, upTo: null });
    expect(rig.finish(id)).toBe("complete");
    expect(rig.ended.get(id)!.figures["copiedSectors"]).toBe(differences);
    expect(differences).toBeLessThan(3 * SECTORS);
  });

  it("of a running VM goes up to a point in time", () => {
    const rig = withHistory({ disks: 1 });
    const image = rig.states(0)!.points[0]!.content;
    const copy = { target: "copy", format: "cow", upTo: "one" };
    const id = rig.start(copyHierarchy, copy);
    rig.write(0, 0, 40, 9_000);
    expect(rig.finish(id)).toBe("complete");
    const { points: copied, running } = rig.states(0, "copy")!;
    expect(copied.map(({ name }) => name)).toEqual(["one"]);
    expect([copied[0]!.content.equals(image), running.equals(image)]).toEqual([true, true]);
    expectSettled(rig, "copied");
  });
});

describe("a revert of eight disks", () => {
  it("is cut at each step, and again in its recovery", () => {
    const rig = withHistory({ disks: 8 });
    rig.powerOff();
    const before = contents(rig);
    const counts = enumerateCrashes(rig, {
      lose: "host",
      start: () => rig.start(revert, { pointInTime: "one" }),
      check: (where) => {
        expectSettled(rig, where);
        const parent = rig.descriptor(rig.configuration().running["d0"]!).parent;
        const isBack = same(contents(rig), before);
        expect(isBack, where).toBe(parent !== "db-d0.vmdk");
      },
    });
    expectThorough(counts, "host", 40);
  });
});

describe("a task of the array that", () => {
  const operations = [
    ["snapshot", (rig: CowRig) => rig.start(cowSnapshot, snapshotParams(rig, "three"))],
    ["revert", (rig: CowRig) => rig.start(revert, { pointInTime: "one" })],
    ["copy", (rig: CowRig) => rig.start(copyHierarchy, COPY)],
  ] as const;
  const COPY = { target: "copy", format: "cow", upTo: null };
  const faults = ["lostTasks", "lateTasks", "failedItems", "tornCopies"] as const;
  const cases = operations.flatMap(([name, start]) =>
    faults.flatMap((fault) => [0, 1, 2].map((skip) => [fault, name, skip, start] as const)),
  );

  it.each(cases)(
    "is struck by %s fails a %s whole (after %i others)",
    (fault, name, skip, start) => {
      const rig = withHistory();
      if (name !== "snapshot") rig.powerOff();
      const before = contents(rig);
      const kept = () => ({ ...rig.configuration(), layersMade: 0 });
      const configuration = kept();
      const id = start(rig);
      rig.armAfter(fault, skip);
      const outcome = rig.finish(id);
      expectSettled(rig, outcome);
      if (outcome === "complete") return;
      expect(same(contents(rig), before)).toBe(true);
      expect(kept()).toEqual(configuration);
      expect(Object.keys(rig.vvols.durable.snapshots)).toHaveLength(4);
      rig.disarm();
      expect(rig.finish(start(rig))).toBe("complete");
      expectSettled(rig, "again");
    },
  );
});

describe("planted bugs are seen", () => {
  const step = (phase: string, host: Entity, op: SettleOp): AskStep =>
    SNAPSHOT_RECOVERY[phase]!(host, op, null as never) as AskStep;

  /** Old descriptor first (7 then 6): for a moment nothing leads to the base. */
  const hasty = settling("recover-cow-snapshot-hasty", decideSnapshot, {
    ...SNAPSHOT_RECOVERY,
    holdBoth: (host, op) => ({ ...step("swizzleOld", host, op), next: "releaseOld" }),
    releaseOld: (host, op) => ({ ...step("releaseOld", host, op), next: "holdLate" }),
    holdLate: (host, op) => ({ ...step("holdBoth", host, op), next: "swizzleNew" }),
    swizzleNew: (host, op) => ({ ...step("swizzleNew", host, op), next: "switchOver" }),
  });

  it("the old descriptor swizzled first, which a collector may not come between", () => {
    const rig = withHistory({ disks: 1 });
    rig.world.register(hasty as never);
    rig.start(cowSnapshot, snapshotParams(rig, "three"));
    rig.runUntil(() => rig.file("db.intent")?.["stage"] === "committed");
    rig.crashHost();
    rig.restartHost();
    rig.start(hasty, {});
    rig.runUntil(() => rig.descriptor("db-d0-000002.vmdk").volume !== "db-d0");
    rig.crashHost();
    rig.run(1_000);
    rig.restartHost();
    expect(rig.violations().join()).toMatch(/no descriptor leads to live base db-d0/);
    const files = listFilesOf(rig);
    const view = new CowView([{ vvols: listVvols(rig.vvols) }, { files }]);
    expect(garbageOf(view, []).holds.map(({ vvol }) => vvol)).toContain("db-d0");
    expect(garbageOf(view, ["db"]).holds).toEqual([]);
    expect(rig.do(collectGarbage, {})).toBe("complete");
    expect(rig.vvols.durable.bases["db-d0"]!.holders).not.toEqual([]);
  });

  it("a snapshot of a guest that goes on", () => {
    const rig = withHistory({ disks: 2 });
    type Op = Parameters<typeof COW_SNAPSHOT_PHASES.stun>[1];
    const restless = operation<CowSnapshotParams & PlainObject, ReturnType<typeof newCowSnapshot>>(
      "cow-snapshot-restless",
      { ...COW_SNAPSHOT_PHASES, stun: (_host: Entity, _op: Op) => go("takeSnapshots") },
      newCowSnapshot,
    );
    rig.world.register(restless as never);
    for (let i = 0; i < 200; i++) rig.write(i % 2, 0, 1, 1_000 + i, i * 20_000);
    expect(rig.do(restless, snapshotParams(rig, "three"))).toBe("complete");
    expect(rig.violations().join()).toMatch(/db@three has d[01] of another moment, at sector 0/);
  });

  it("a safety snapshot dropped before the revert stands", () => {
    const rig = withHistory({ disks: 1 });
    rig.powerOff();
    type Op = Parameters<typeof REVERT_PHASES.revert>[1];
    const careless = operation<RevertParams & PlainObject, ReturnType<typeof newRevert>>(
      "revert-careless",
      {
        ...REVERT_PHASES,
        revert: (_host: Entity, op: Op, { version }: { version: number }) => {
          op.edit().intentVersion = version;
          const holder = intentHolder(op.state.intent!);
          return releaseHolder(op.params.array, holder, "revertNow", "trouble");
        },
        revertNow: (host: Entity, op: Op) =>
          REVERT_PHASES.revert(host, op, { version: op.state.intentVersion }),
      },
      newRevert,
    );
    rig.world.register(careless as never);
    let torn = "";
    enumerateCrashes(rig, {
      lose: "host",
      nested: false,
      start: () => rig.start(careless, { pointInTime: "one" }),
      check: () => (torn += rig.violations().join()),
    });
    expect(torn).toMatch(/a revert that went back left d0 torn/);
  });
});

const listFilesOf = (rig: CowRig) =>
  Object.entries(rig.array.durable.files).flatMap(([key, { value, version }]) =>
    value === undefined
      ? []
      : [{ name: key.slice("file:".length), value: value as never, version }],
  );
