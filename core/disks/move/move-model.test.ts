/**
 * The move of a running VM's disks between formats against a plain model, with random guest writes
 * and discards at any moment of it, there and back: what the disks hold, and each point in time, is
 * what it was and what was written since. Each protection is left out once, and is missed.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SectorContent } from "../../kernel/index.ts";
import { allocatedChunks, unsharedRanges } from "../../platform/storage/vvols/differences.ts";
import { deletePoint } from "../cow/delete-point.ts";
import { type CowRig, SECTORS } from "../cow/testing/cow-rig.ts";
import {
  contents,
  expectSettled,
  points,
  same,
  snap,
  withHistory,
} from "../cow/testing/history.ts";
import { moveFormat } from "./move-format.ts";
import type { MoveCarelessness } from "./move-state.ts";

type Write = {
  readonly disk: number;
  readonly sector: number;
  readonly sectors: number;
  readonly discards: boolean;
  /** From the start of the move. */
  readonly delayNs: number;
};

const write: fc.Arbitrary<Write> = fc
  .record({
    disk: fc.nat(1),
    sector: fc.nat(SECTORS - 1),
    sectors: fc.integer({ min: 1, max: 24 }),
    discards: fc.integer({ min: 0, max: 4 }).map((chance) => chance === 0),
    delayNs: fc.nat(9_000_000),
  })
  .map((each) => ({ ...each, sectors: Math.min(each.sectors, SECTORS - each.sector) }));

const writes = fc
  .array(write, { maxLength: 40 })
  .map((all) => all.toSorted((a, b) => a.delayNs - b.delayNs));

const images = (rig: CowRig): SectorContent[] =>
  [0, 1].flatMap((disk) => rig.states(disk)!.points.map(({ content }) => content.fork()));

const moveParams = (rig: CowRig, format: string, careless: MoveCarelessness = {}) => ({
  instance: rig.instance,
  disks: rig.open(),
  format,
  copySectors: 4,
  careless,
});

let stamp = 100_000;

/** Starts a move with these writes during it; its id, and what the disks are to hold. */
function begin(rig: CowRig, format: string, during: readonly Write[], careless?: MoveCarelessness) {
  const expected = contents(rig).map((each) => each!.fork());
  for (const { disk, sector, sectors, discards, delayNs } of during) {
    stamp += sectors;
    rig.write(disk, sector, sectors, discards ? -1 : stamp, delayNs);
    if (discards) expected[disk]!.discard(sector, sectors);
    else expected[disk]!.writeStamps(sector, sectors, stamp);
  }
  return { id: rig.start(moveFormat, moveParams(rig, format, careless)), expected };
}

function expectMoved(rig: CowRig, kind: string, before: readonly SectorContent[]): void {
  expectSettled(rig, kind);
  expect(points(rig)).toEqual(["one", "two"]);
  for (const name of Object.values(rig.configuration().running)) {
    expect(rig.descriptor(name).kind === "cow").toBe(kind === "cow");
  }
  expect(same(images(rig), before)).toBe(true);
}

describe("disks that become others while their guest writes", () => {
  it("hold what they held and what was written, there and back", () => {
    fc.assert(
      fc.property(writes, writes, fc.boolean(), (there, back, reopens) => {
        const rig = withHistory();
        const before = images(rig);
        for (const [format, during] of [
          ["redo", there],
          ["cow", back],
        ] as const) {
          const { id, expected } = begin(rig, format, during);
          expect(rig.finish(id)).toBe("complete");
          rig.run();
          expect(same(contents(rig), expected)).toBe(true);
          expectMoved(rig, format, before);
          if (!reopens) continue;
          rig.powerOff();
          rig.powerOn();
        }
        rig.world.finish();
        expect(rig.violations()).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it("moves the differences and no more, and its guest stands still for less than a copy", () => {
    const rig = withHistory();
    const sum = (ranges: readonly { readonly sectors: number }[]): number =>
      ranges.reduce((total, { sectors }) => total + sectors, 0);
    const differences = [0, 1].reduce((total, disk) => {
      const base = `db-d${disk}`;
      const [one, two] = rig.vvols.durable.bases[base]!.snapshots as [string, string];
      const last = sum(unsharedRanges(rig.vvols, base, two));
      const { vvols } = rig;
      return total + sum(allocatedChunks(vvols, one)) + sum(unsharedRanges(vvols, two, one)) + last;
    }, 0);
    const { id } = begin(rig, "redo", []);
    expect(rig.finish(id)).toBe("complete");
    const { bytesMoved, bytesMirrored, stunNs, durationNs } = rig.ended.get(id)!.figures as {
      readonly [figure: string]: number;
    };
    expect([bytesMoved, bytesMirrored]).toEqual([differences * 512, 0]);
    expect(stunNs).toBeLessThan(durationNs! / 4);
  });

  it("is refused to the format that they have, and without the VM leaves no intent", () => {
    const rig = withHistory();
    expect(rig.do(moveFormat, moveParams(rig, "cow"))).toBe("same-format");
    const { id } = begin(rig, "redo", []);
    rig.world.run({ untilEvent: rig.world.eventCount + 60 });
    rig.world.removeTree(rig.world.entity(rig.instance));
    rig.instance = -1;
    expect(rig.finish(id)).toBe("vm-off");
    expectSettled(rig, "off");
    expect(rig.do(deletePoint, { pointInTime: "one" })).toBe("complete");
  });
});

describe("a protection that is left out is missed (canary)", () => {
  it("a range that is copied and not locked", () => {
    let seen = "";
    for (let seed = 1; seed <= 40 && seen === ""; seed++) {
      const rig = withHistory({ seed });
      const during = Array.from({ length: 400 }, (_, i) => {
        const sector = (i * 7 * seed) % (SECTORS - 4);
        return {
          disk: i % 2,
          sector,
          sectors: 4,
          discards: false,
          delayNs: 1_000_000 + i * 20_000,
        };
      });
      const { id } = begin(rig, "redo", during, { lock: "none" });
      rig.finish(id);
      rig.run();
      seen = rig.violations().join();
    }
    expect(seen).toMatch(/does not read as written|reads otherwise/);
  });

  it.each([
    [false, []],
    [true, ["lost"]],
  ] as const)("a copy that is not flushed before the switch (%s)", (unflushed, expected) => {
    const rig = withHistory({ cacheProtected: false });
    // Flushes what the guest wrote last, and leaves it to be copied by the host.
    expect(snap(rig, "three")).toBe("complete");
    expect(rig.do(deletePoint, { pointInTime: "three" })).toBe("complete");
    const before = contents(rig);
    const image = rig.capture();
    const lost = new Set<string>();
    for (let after = 0; after < 120; after += 10) {
      rig.restore(image);
      const { id } = begin(rig, "redo", [], { unflushed });
      rig.runUntil(() => rig.file("db.intent")?.["stage"] === "committed");
      rig.world.run({ untilEvent: rig.world.eventCount + after });
      rig.world.crash(rig.domains.array, "test");
      rig.pass(300_000_000);
      rig.world.restart(rig.domains.array);
      rig.finish(id);
      if (!same(contents(rig), before)) lost.add("lost");
    }
    expect([...lost]).toEqual(expected);
  });
});
