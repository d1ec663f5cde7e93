/**
 * Clones that share chunks, against a plain model: an image for each base and each snapshot. Random
 * trees of clones, with writes, discards, snapshots, reverts, copies, removals and splits, on arrays
 * with and without a volatile cache, and the array lost between and within.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SectorContent } from "../../../kernel/index.ts";
import { volumeContent } from "../array.ts";
import { askAt, stampRun } from "../testing/bench.ts";
import {
  call,
  CHUNK,
  type Rig,
  rig,
  SECTORS,
  snapshot,
  task,
  violations,
  write,
} from "./testing/vvol-rig.ts";

const DO = ["snapshot", "clone", "revert", "forget", "drop", "split", "differ", "crash"] as const;

type Command = {
  readonly do: "write" | (typeof DO)[number];
  readonly at: number;
  readonly other: number;
  readonly sector: number;
  readonly sectors: number;
  readonly stamp: number;
};

const commands = (of: fc.Arbitrary<Command["do"]>): fc.Arbitrary<Command> =>
  fc.record({
    do: of,
    at: fc.nat(9),
    other: fc.nat(9),
    sector: fc.integer({ min: 0, max: SECTORS - 20 }),
    sectors: fc.integer({ min: 1, max: 20 }),
    stamp: fc.integer({ min: -1, max: 1_000_000 }),
  });

const work = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: commands(fc.constant("write" as const)) },
    { weight: 6, arbitrary: commands(fc.constantFrom(...DO)) },
  ),
  { maxLength: 45 },
);

const pick = <T>(all: readonly T[], which: number): T | undefined =>
  all[which % Math.max(1, all.length)];

const sum = (ranges: readonly { readonly sectors: number }[]): number =>
  ranges.reduce((total, { sectors }) => total + sectors, 0);

class Model {
  readonly bases = new Map<string, SectorContent>([["base", new SectorContent(SECTORS)]]);
  readonly snapshots = new Map<string, SectorContent>();

  /** Any two vvols: what they differ in is told, and copied or reverted to. */
  apply(at: Rig, command: Command, fence: number): void {
    const base = pick([...this.bases.keys()], command.at)!;
    const found = pick([...this.snapshots.keys()], command.other);
    const { sector, sectors, stamp } = command;
    if (command.do === "write") {
      expect(write(at, sector, sectors, stamp, base).ok).toBe(true);
      if (stamp < 0) this.bases.get(base)!.discard(sector, sectors);
      else this.bases.get(base)!.write(sector, [stampRun(stamp, sectors)]);
    } else if (command.do === "snapshot") {
      this.snapshots.set(snapshot(at, base), this.bases.get(base)!.fork());
    } else if (command.do === "split") {
      expect(task(at, "split", { vvol: base }).state).toBe("success");
      expect(at.vvols.durable.bases[base]!.origin).toBeUndefined();
    } else if (command.do === "crash") {
      at.world.crash(at.domain, "test");
      at.world.restart(at.domain);
      for (const name of this.bases.keys()) {
        this.bases.set(name, volumeContent(at.array, name)!.fork());
      }
    } else if (command.do === "drop") {
      if (base === "base") return;
      call(at, "vasa-release-holder", { holder: `descriptor:${base}` });
      this.bases.delete(base);
    } else if (found !== undefined) this.#withSnapshot(at, command.do, base, found, fence);
  }

  #withSnapshot(at: Rig, what: string, base: string, found: string, fence: number): void {
    const image = this.snapshots.get(found)!;
    if (what === "clone") {
      const body = { snapshot: found, label: "clone", holder: "intent:clone" };
      const { vvol } = call(at, "vasa-clone", body).value! as { vvol: string };
      call(at, "vasa-hold", { holds: [{ vvol, holder: `descriptor:${vvol}` }] });
      call(at, "vasa-release", { holds: [{ vvol, holder: "intent:clone" }] });
      this.bases.set(vvol, image.fork());
    } else if (what === "revert") {
      expect(task(at, "revert", { base, snapshot: found, fence }).state).toBe("success");
      this.bases.set(base, image.fork());
    } else if (what === "forget") {
      call(at, "vasa-release", { holds: [{ vvol: found, holder: "intent:test" }] });
      this.snapshots.delete(found);
    } else {
      const least = sum(this.bases.get(base)!.diffRanges(image));
      const answer = call(at, "vasa-unshared", { vvol: base, since: found });
      // Once split, a clone is a stranger.
      if (answer.code === "unrelated") return;
      expect(sum(answer.value!["ranges"])).toBeGreaterThanOrEqual(least);
    }
  }

  check(at: Rig): void {
    for (const [name, image] of [...this.bases, ...this.snapshots]) {
      expect([...volumeContent(at.array, name)!.diffRanges(image)], name).toEqual([]);
    }
  }
}

describe("clones of copy-on-write volumes", () => {
  it.each([
    ["a protected cache", { cacheProtected: true }],
    ["a volatile cache", { cacheProtected: false }],
  ])("read as they must under random work, with %s", (_name, options) => {
    fc.assert(
      fc.property(work, fc.nat(1_000), (list, seed) => {
        const at = rig({ ...options, capacityBytes: 40_000 * 512 }, seed);
        const model = new Model();
        list.forEach((command, i) => model.apply(at, command, i));
        model.check(at);
        at.world.finish();
        expect(violations(at)).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  /** A base full of content, a snapshot of it, and a clone of that. */
  function cloned(options: Parameters<typeof rig>[0] = {}) {
    const at = rig(options);
    for (let sector = 0; sector < SECTORS; sector += 8) write(at, sector, 8, 1 + sector);
    const origin = snapshot(at);
    const body = { snapshot: origin, label: "clone", holder: "descriptor:clone" };
    const { vvol } = call(at, "vasa-clone", body).value! as { vvol: string };
    return { at, origin, vvol };
  }

  it("take no space until they are written, and then whole chunks; what they share stays", () => {
    const { at, origin, vvol } = cloned();
    const before = at.array.durable.usedGrains;
    call(at, "vasa-release-holder", { holder: "intent:test" });
    expect(at.vvols.durable.snapshots[origin]!.holders).toEqual([`clone:${vvol}`]);
    write(at, 3, 1, 900, vvol);
    expect(at.array.durable.usedGrains).toBe(before + CHUNK / 4);
    call(at, "vasa-release-holder", { holder: "descriptor:clone" });
    expect(at.array.durable.usedGrains).toBe(before);
    expect(at.vvols.durable.snapshots).toEqual({});
    at.world.finish();
    expect(violations(at)).toEqual([]);
  });

  it("pay a read and a write more for the first touch of a chunk", () => {
    const timing = { readNs: 100, writeNs: 1_000, seekNs: 0, bytesPerSecond: 0, cacheBytes: 0 };
    const { at, vvol } = cloned(timing);
    const timeOf = (stamp: number): number => {
      const before = at.world.timeNs;
      write(at, 0, 8, stamp, vvol);
      return at.world.timeNs - before;
    };
    expect([timeOf(6), timeOf(7)]).toEqual([100 + 1_000 + 1_000, 1_000]);
  });

  it("are split step by step: without space what is split stays so, and again goes on", () => {
    const { at, origin, vvol } = cloned({ capacityBytes: (SECTORS + 144) * 512 });
    const first = task(at, "split", { vvol });
    expect(first.items.map(({ code }) => code)).toEqual(["no-space"]);
    expect(at.vvols.durable.bases[vvol]!.origin).toBe(origin);
    const full = at.array.durable.usedGrains;
    write(at, 0, 100, -1);
    expect(at.array.durable.usedGrains).toBeLessThanOrEqual(full + 100);
    expect(volumeContent(at.array, vvol)!.equals(volumeContent(at.array, origin)!)).toBe(true);
    at.world.finish();
    expect(violations(at)).toEqual([]);
  });

  it("whose origin goes although they share it are seen (canary)", () => {
    const { at, origin, vvol } = cloned();
    at.vvols.editDurable().snapshots[origin]!.holders.splice(1, 1);
    askAt(at.client, 0, at.array, ++at.tag, { holder: "intent:test" }, "vasa-release-holder");
    at.world.run();
    expect(violations(at).join()).toMatch(new RegExp(`${vvol} (shares with|does not read)`));
  });

  it("that change a chunk without copying it up are seen (canary)", () => {
    const { at, vvol } = cloned();
    at.vvols.content(`map:${vvol}`, SECTORS / CHUNK).writeZeros(2, 1);
    write(at, 17, 2, 700, vvol);
    expect(violations(at).join()).toMatch(/does not read as its origin and what was written/);
  });
});
