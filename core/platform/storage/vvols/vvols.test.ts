/**
 * Copy-on-write volumes against a plain model: an array of images. Random hierarchies with writes,
 * discards, snapshots, reverts, merges and copies between, on arrays with and without a volatile
 * cache, with crashes; and the faults of tasks.
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
import { keptContent } from "./vvol-state.ts";
import { addVvol } from "./vvols.ts";

/** The array is lost while a write is on its way: it may have landed, or not, or in part. */
function writeCutShort(at: Rig, after: number): void {
  const number = ++at.tag;
  const request = { op: "write", sector: 30, sectors: 20, runs: [stampRun(5_000, 20)] };
  const sent = { sender: "s", session: 0, number, oldest: number, owner: "s" };
  askAt(at.client, 0, at.array, number, { volume: "base", request, ...sent }, "volume-io");
  at.world.run({ untilEvent: at.world.eventCount + after });
  at.world.crash(at.domain, "test");
  at.world.restart(at.domain);
}

type Command =
  | { do: "write"; sector: number; sectors: number; stamp: number }
  | { do: "snapshot" | "read" }
  | { do: "crash"; after: number }
  | { do: "revert" | "remove" | "differ"; which: number };

const place = fc.integer({ min: 0, max: SECTORS - 20 });
const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      sector: place,
      sectors: fc.integer({ min: 1, max: 20 }),
      stamp: fc.integer({ min: -1, max: 1_000_000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("snapshot" as const, "read" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), after: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("revert" as const, "remove" as const, "differ" as const),
      which: fc.nat(9),
    }),
  },
);

/** The model: the current image, and an image for each snapshot. */
class Model {
  current = new SectorContent(SECTORS);
  readonly images = new Map<string, SectorContent>();

  apply(at: Rig, command: Command, fence: number): void {
    const names = [...this.images.keys()];
    const chosen = "which" in command ? names[command.which % Math.max(1, names.length)] : "";
    switch (command.do) {
      case "write":
        if (command.stamp < 0) this.current.discard(command.sector, command.sectors);
        else this.current.write(command.sector, [stampRun(command.stamp, command.sectors)]);
        expect(write(at, command.sector, command.sectors, command.stamp).ok).toBe(true);
        return;
      case "snapshot":
        this.images.set(snapshot(at), this.current.fork());
        return;
      case "crash":
        writeCutShort(at, command.after);
        this.current = volumeContent(at.array, "base")!.fork();
        return;
      case "read":
        return this.check(at);
      case "revert": {
        if (chosen === undefined) return;
        const told = task(at, "revert", { base: "base", snapshot: chosen, fence });
        expect(told.state).toBe("success");
        this.current = this.images.get(chosen)!.fork();
        return;
      }
      case "remove":
        if (chosen === undefined) return;
        call(at, "vasa-release", { holds: [{ vvol: chosen, holder: "intent:test" }] });
        this.images.delete(chosen);
        return;
      case "differ": {
        if (chosen === undefined) return;
        const { ranges } = call(at, "vasa-unshared", { vvol: "base", since: chosen }).value!;
        const least = this.current.diffRanges(this.images.get(chosen)!);
        const sum = (all: readonly { sectors: number }[]) =>
          all.reduce((total, { sectors }) => total + sectors, 0);
        expect(sum(ranges)).toBeGreaterThanOrEqual(sum(least));
      }
    }
  }

  check(at: Rig): void {
    expect(volumeContent(at.array, "base")!.equals(this.current)).toBe(true);
    for (const [name, image] of this.images) {
      expect(volumeContent(at.array, name)!.equals(image)).toBe(true);
    }
  }
}

describe("copy-on-write volumes", () => {
  it.each([
    ["a protected cache", { cacheProtected: true }],
    ["a volatile cache", { cacheProtected: false }],
  ])("hold every point in time under random work, with %s", (_name, options) => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 40 }), fc.nat(1000), (list, seed) => {
        const at = rig(options, seed);
        const model = new Model();
        list.forEach((command, i) => model.apply(at, command, i));
        model.check(at);
        at.world.finish();
        expect(violations(at)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("hold what was acknowledged when they were taken, flushed or not, whatever power takes", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const at = rig({ cacheProtected: false, destageNs: 1e9 }, seed);
      write(at, 0, 40, 1_000);
      snapshot(at);
      write(at, 4, 3, 2_000);
      write(at, 60, 12, 3_000);
      const whole = volumeContent(at.array, "base")!.fork();
      const second = snapshot(at);
      if (seed % 2 === 0) write(at, 5, 60, 4_000);
      at.world.crash(at.domain, "test");
      at.world.restart(at.domain);
      write(at, 6, 10, 5_000);
      expect(volumeContent(at.array, second)!.equals(whole), `seed ${seed}`).toBe(true);
      expect(violations(at)).toEqual([]);
    }
  });

  it("take space by what is kept, refuse a first touch without space, and give all back", () => {
    const at = rig({ capacityBytes: (SECTORS + 40) * 512 });
    for (let at8 = 0; at8 < SECTORS; at8 += 8) write(at, at8, 8, 1 + at8);
    const before = at.array.durable.usedGrains;
    const first = snapshot(at);
    expect(at.array.durable.usedGrains).toBe(before);
    const answers = Array.from({ length: 8 }, (_, i) => write(at, i * 24, 1, 9_000 + i));
    const fitting = Math.floor((40 * 512) / (CHUNK * 512));
    expect(answers.map(({ code }) => code)).toEqual([
      ...Array.from({ length: fitting }, () => ""),
      ...Array.from({ length: 8 - fitting }, () => "no-space"),
    ]);
    expect(at.array.durable.usedGrains).toBe(before + fitting * (CHUNK / 4));
    call(at, "vasa-release-holder", { holder: "intent:test" });
    expect(at.array.durable.usedGrains).toBe(before);
    expect(volumeContent(at.array, first)).toBeUndefined();
    at.world.finish();
    expect(violations(at)).toEqual([]);
  });

  it("cost a read and two writes on the first touch, one write after it", () => {
    const timing = { readNs: 100, writeNs: 1_000, seekNs: 0, bytesPerSecond: 0, cacheBytes: 0 };
    const at = rig(timing);
    write(at, 0, 8, 5);
    snapshot(at);
    const timeOf = (stamp: number): number => {
      const before = at.world.timeNs;
      write(at, 0, 8, stamp);
      return at.world.timeNs - before;
    };
    expect([timeOf(6), timeOf(7)]).toEqual([100 + 1_000 + 1_000, 1_000]);
  });

  it("copy exactly the differences into another volume", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(place, fc.integer({ min: 1, max: 20 }), fc.integer({ min: -1, max: 99 })),
          {
            maxLength: 12,
          },
        ),
        fc.nat(12),
        (writes, cut) => {
          const at = rig();
          writes.slice(0, cut).forEach((each) => write(at, ...each));
          const first = snapshot(at);
          writes.slice(cut).forEach((each) => write(at, ...each));
          const second = snapshot(at);
          const { vvol } = call(at, "vasa-create", {
            label: "copy",
            sectors: SECTORS,
            holder: "intent:copy",
          }).value!;
          const whole = task(at, "copy-diffs", { from: first, since: null, to: vvol });
          const moved = task(at, "copy-diffs", { from: second, since: first, to: vvol });
          const { ranges } = call(at, "vasa-unshared", { vvol: second, since: first }).value!;
          const sum = (all: readonly { sectors: number }[]) =>
            all.reduce((total, { sectors }) => total + sectors, 0);
          expect([whole.state, moved.state]).toEqual(["success", "success"]);
          expect(moved.copiedSectors).toBe(sum(ranges));
          expect(volumeContent(at.array, vvol)!.equals(volumeContent(at.array, second)!)).toBe(
            true,
          );
          at.world.finish();
          expect(violations(at)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("are told of lost, late, partial, torn and timed-out tasks", () => {
    const at = rig();
    addVvol(at.array, "other", SECTORS, ["descriptor:other"]);
    const arm = (kind: string, count = 1) => {
      askAt(at.client, 0, at.vvols, ++at.tag, { kind, count }, "arm-vasa-fault");
      at.world.run();
    };
    write(at, 0, 20, 7);
    const bases = ["base", "other"].map((base) => ({ base, holders: ["intent:test"] }));
    const names = task(at, "prepare", { bases }).items.map(({ vvol }) => vvol);
    arm("failedItems");
    const partial = task(at, "snapshot", { snapshots: names, timeoutNs: 1e9 });
    expect(partial.items.map(({ code }) => code)).toEqual(["io-error", ""]);
    expect(partial.state).toBe("error");
    arm("lostTasks");
    expect(task(at, "snapshot", { snapshots: [names[0]], timeoutNs: 1e9 }).code).toBe("no-task");
    expect(at.vvols.durable.snapshots[names[0]!]!.state).toBe("taken");
    write(at, 0, 20, 100);
    arm("tornCopies");
    const revert = { base: "base", snapshot: names[0], fence: 1 };
    expect(task(at, "revert", revert).items).toEqual([{ vvol: "", ok: false, code: "io-error" }]);
    arm("lateTasks");
    expect(task(at, "revert", { ...revert, fence: 2 }).state).toBe("running");
    expect(task(at, "revert", revert).code).toBe("superseded");
    expect(task(at, "snapshot", { snapshots: ["nobody"], timeoutNs: 1e9 }).items[0]!.code).toBe(
      "gone",
    );
    const late = task(at, "prepare", { bases }).items.map(({ vvol }) => vvol);
    const timedOut = task(at, "snapshot", { snapshots: late, timeoutNs: 600_000 });
    expect(timedOut.items.map(({ code }) => code)).toEqual(["", "timeout"]);
  });

  it("are read when bound, and only read", () => {
    const at = rig();
    write(at, 3, 5, 40);
    const vvol = snapshot(at);
    write(at, 0, 20, 900);
    const read = (request: object) =>
      call(at, "volume-io", {
        volume: vvol,
        request,
        sender: "r",
        session: 0,
        number: ++at.tag,
        oldest: at.tag,
        owner: "r",
      });
    expect(read({ op: "read", sector: 3, sectors: 5 }).code).toBe("not-bound");
    expect(call(at, "vasa-bind", { vvol, host: "alpha" }).ok).toBe(true);
    expect(call(at, "vasa-bind", { vvol, host: "beta" }).code).toBe("bound");
    expect(read({ op: "read", sector: 3, sectors: 5 }).value).toEqual({ runs: [stampRun(40, 5)] });
    expect(read({ op: "write", sector: 3, sectors: 1, runs: [stampRun(1, 1)] }).code).toBe(
      "read-only",
    );
    expect(read({ op: "read", sector: SECTORS, sectors: 1 }).code).toBe("out-of-range");
    call(at, "vasa-unbind", { vvol });
    expect(read({ op: "read", sector: 3, sectors: 5 }).code).toBe("not-bound");
  });

  it("stay bound over a restart of the array, until the host lets go or is known to be lost", () => {
    const at = rig();
    const [first, second] = [snapshot(at), snapshot(at)];
    call(at, "vasa-bind", { vvol: first, host: "alpha" });
    call(at, "vasa-bind", { vvol: second, host: "beta" });
    at.world.crash(at.domain, "test");
    at.world.restart(at.domain);
    expect(call(at, "vasa-bind", { vvol: first, host: "alpha" }).ok).toBe(true);
    expect(call(at, "vasa-bind", { vvol: first, host: "beta" }).code).toBe("bound");
    call(at, "vasa-unbind", { vvol: first, host: "beta" });
    expect(call(at, "vasa-bind", { vvol: first, host: "beta" }).code).toBe("bound");
    call(at, "vasa-unbind-host", { host: "alpha" });
    expect(call(at, "vasa-bind", { vvol: first, host: "beta" }).ok).toBe(true);
    expect(call(at, "vasa-bind", { vvol: second, host: "alpha" }).code).toBe("bound");
    call(at, "vasa-release-holder", { holder: "intent:test" });
    expect(at.vvols.durable.bindings).toEqual({});
  });

  it("are held and let go while the file that was given is as it was read", () => {
    const at = rig();
    const vvol = snapshot(at);
    const release = (version: number) =>
      call(at, "vasa-release-holder", { holder: "intent:test", given: { name: "i", version } });
    call(at, "file-write", { name: "i", value: {} });
    const other = (verb: string, version: number) =>
      call(at, verb, { holds: [{ vvol, holder: "other" }], given: { name: "i", version } });
    for (const verb of ["vasa-hold", "vasa-release"]) {
      expect(other(verb, 2).code).toBe("version-conflict");
      expect(other(verb, 1).ok).toBe(true);
    }
    expect(release(2).code).toBe("version-conflict");
    expect(Object.keys(at.vvols.durable.snapshots)).toEqual([vvol]);
    expect(release(1).ok).toBe(true);
    expect(at.vvols.durable.snapshots).toEqual({});
    call(at, "file-delete", { name: "i" });
    expect(release(1).code).toBe("version-conflict");
  });

  it("show a chunk that was not kept before it changed (canary)", () => {
    const at = rig();
    write(at, 0, 20, 7);
    const vvol = snapshot(at);
    write(at, 8, 8, 500);
    keptContent(at.vvols, vvol, SECTORS).writeStamps(10, 1, 1);
    write(at, 9, 4, 600);
    expect(violations(at).join()).toMatch(/never changes: snapshot base.s1 changed/);
  });

  it("show a difference that leaves out a chunk (canary)", () => {
    const at = rig();
    const vvol = snapshot(at);
    write(at, 8, 8, 500);
    at.vvols.content(`map:${vvol}`).discard(1, 1);
    call(at, "vasa-unshared", { vvol: "base", since: vvol });
    expect(violations(at).join()).toMatch(/leaves out a sector/);
  });
});
