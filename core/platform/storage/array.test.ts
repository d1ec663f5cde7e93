/** Volumes, files, space and ownership of an array, and a crash at each of its durable steps. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DomainId, Steer, World } from "../../kernel/index.ts";
import { addVolume, type ArrayOptions, spawnArray, volumeContent } from "./array.ts";
import type { ArrayEntity } from "./array-state.ts";
import { storageInvariants } from "./invariants.ts";
import { answersOf, askAt, type Client, newClient, newWorld, stampRun } from "./testing/bench.ts";
import { stampsOf } from "./testing/journal.ts";
import { MEDIUM } from "./testing/stacks.ts";
import { countGrains } from "./volumes.ts";

type Rig = { world: World; domain: DomainId; array: ArrayEntity; client: Client };

function rig(seed = 1, options: Partial<ArrayOptions> = {}, crashPattern?: number): Rig {
  const steer: Steer = ({ purpose }) => (purpose === "crash-pattern" ? crashPattern : undefined);
  const world = newWorld({ seed, steer });
  world.addInvariants(storageInvariants);
  const domain = world.addDomain("array");
  const client = newClient(world, domain);
  const array = spawnArray(world, {
    ...MEDIUM,
    name: "array",
    domain,
    capacityBytes: 64 * 4096,
    grainBytes: 4096,
    cacheProtected: false,
    ...options,
  });
  return { world, domain, array, client };
}

let tags = 0;

function call({ world, array, client }: Rig, verb: string, body: object) {
  const tag = ++tags;
  askAt(client, 0, array, tag, body, verb);
  world.run();
  return answersOf(client).findLast((each) => each.tag === tag)!;
}

const valueOf = (answer: ReturnType<typeof call>) => (answer.value.ok ? answer.value.value : null);

function io(at: Rig, volume: string, request: object, more: object = {}) {
  const number = ++tags;
  const sent = { sender: "s", session: 0, number, oldest: number, owner: "s", ...more };
  return call(at, "volume-io", { volume, request, ...sent });
}

const write = (sector: number, stamp: number, sectors: number) => {
  return { op: "write", sector, sectors, runs: [stampRun(stamp, sectors)] };
};

describe("metadata files", () => {
  it("are changed in the order in which that was asked for, each by itself", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const at = rig(seed);
      const tag = 1_000 * seed;
      const slow = { name: "a", value: "first" };
      askAt(at.client, 0, at.array, tag, slow, "file-write");
      askAt(at.client, 0, at.array, tag + 1, { name: "a" }, "file-delete");
      askAt(
        at.client,
        0,
        at.array,
        tag + 2,
        { name: "a", value: "last", ifVersion: 0 },
        "file-write",
      );
      askAt(at.client, 0, at.array, tag + 3, { name: "a" }, "file-read");
      askAt(at.client, 0, at.array, tag + 4, { name: "b", value: 1 }, "file-write");
      at.world.run();
      const answers = answersOf(at.client).filter((each) => each.tag >= tag);
      expect(answers.every(({ value }) => value.ok)).toBe(true);
      const [, , , read] = [0, 1, 2, 3].map((n) => answers.find((each) => each.tag === tag + n)!);
      expect(valueOf(read!)).toEqual({ value: "last", version: 3 });
    }
  });

  it("are written if their version is still the one that was read", () => {
    const at = rig();
    expect(call(at, "file-read", { name: "a" }).code).toBe("no-file");
    expect(valueOf(call(at, "file-write", { name: "a", value: { x: 1 }, ifVersion: 0 }))).toEqual({
      version: 1,
    });
    const conflict = call(at, "file-write", { name: "a", value: { x: 2 }, ifVersion: 0 });
    expect(conflict.value).toMatchObject({ code: "version-conflict", detail: { version: 1 } });
    expect(call(at, "file-write", { name: "a", value: { x: 2 }, ifVersion: 1 }).ok).toBe(true);
    expect(valueOf(call(at, "file-read", { name: "a" }))).toEqual({ value: { x: 2 }, version: 2 });
    call(at, "file-write", { name: "__proto__", value: 7 });
    expect(valueOf(call(at, "file-list", {}))).toEqual({ names: ["__proto__", "a"] });
    expect(call(at, "file-delete", { name: "a" }).ok).toBe(true);
    expect(call(at, "file-write", { name: "a", value: 3, ifVersion: 2 }).code).toBe(
      "version-conflict",
    );
    expect(valueOf(call(at, "file-write", { name: "a", value: 3 }))).toEqual({ version: 4 });
    call(at, "file-delete", { name: "a" });
    const again = { name: "a", value: 4, ifVersion: 0 };
    expect(call(at, "file-write", { ...again, isFirst: true }).code).toBe("version-conflict");
    expect(valueOf(call(at, "file-write", again))).toEqual({ version: 6 });
    const first = { name: "never", value: 1, ifVersion: 0, isFirst: true };
    expect(valueOf(call(at, "file-write", first))).toEqual({ version: 1 });
  });

  it("are written, and go, if another file is still as it was read", () => {
    const at = rig();
    const write = (version: number) =>
      call(at, "file-write", { name: "a", value: 1, ifVersion: 0, given: { name: "b", version } });
    call(at, "file-write", { name: "b", value: 1 });
    expect(write(0).value).toMatchObject({ detail: { name: "b", version: 1 } });
    expect(call(at, "file-read", { name: "a" }).code).toBe("no-file");
    expect(write(1).ok).toBe(true);
    const remove = (version: number) =>
      call(at, "file-delete", { name: "a", given: { name: "b", version } });
    expect(remove(2).value).toMatchObject({ detail: { name: "b", version: 1 } });
    expect(call(at, "file-read", { name: "a" }).ok).toBe(true);
    expect(remove(1).ok).toBe(true);
    expect(remove(1).code).toBe("no-file");
    call(at, "file-delete", { name: "b" });
    expect(remove(1).code).toBe("version-conflict");
  });
});

describe("volumes", () => {
  it("come, grow, shrink and go", () => {
    const at = rig();
    expect(call(at, "create-volume", { name: "v", sectors: 100 }).ok).toBe(true);
    expect(call(at, "create-volume", { name: "v", sectors: 100 }).code).toBe("exists");
    expect(io(at, "v", write(90, 500, 10)).ok).toBe(true);
    expect(io(at, "v", write(96, 500, 10)).code).toBe("out-of-range");
    call(at, "resize-volume", { name: "v", sectors: 200 });
    expect(io(at, "v", write(150, 700, 10)).ok).toBe(true);
    expect(call(at, "resize-volume", { name: "v", sectors: 120, growsOnly: true }).ok).toBe(true);
    expect(io(at, "v", { op: "read", sector: 190, sectors: 10 }).ok).toBe(true);
    call(at, "resize-volume", { name: "v", sectors: 95 });
    expect(stampsOf(volumeContent(at.array, "v")!.read(88, 7))).toEqual([
      0, 0, 500, 501, 502, 503, 504,
    ]);
    expect(valueOf(call(at, "list-volumes", {}))).toEqual({
      volumes: [{ name: "v", sectors: 95, usedSectors: 8 }],
    });
    const given = { name: "intent", version: 1 };
    expect(call(at, "delete-volume", { name: "v", given }).code).toBe("version-conflict");
    call(at, "file-write", { name: "intent", value: {} });
    expect(call(at, "delete-volume", { name: "v", given }).ok).toBe(true);
    expect(io(at, "v", { op: "read", sector: 0, sectors: 1 }).code).toBe("gone");
    expect(at.array.durable.usedGrains).toBe(0);
  });

  it("take requests of their owner only, once claimed", () => {
    const at = rig();
    addVolume(at.array, "v", 100);
    expect(io(at, "v", write(0, 1, 1), { owner: "alpha" }).ok).toBe(true);
    call(at, "claim-volume", { name: "v", owner: "beta" });
    expect(io(at, "v", write(0, 2, 1), { owner: "alpha" }).code).toBe("gone");
    expect(io(at, "v", write(0, 3, 1), { owner: "beta" }).ok).toBe(true);
  });

  it("apply a write that is sent again once, and no copy of what was answered", () => {
    const at = rig();
    addVolume(at.array, "v", 100);
    const first = { number: 1, oldest: 1 };
    expect(io(at, "v", write(0, 10, 1), first).ok).toBe(true);
    expect(io(at, "v", write(0, 20, 1), { number: 2, oldest: 1 }).ok).toBe(true);
    expect(io(at, "v", write(0, 10, 1), first).ok).toBe(true);
    expect(stampsOf(volumeContent(at.array, "v")!.read(0, 1))).toEqual([20]);
    expect(io(at, "v", write(0, 30, 1), { number: 3, oldest: 3 }).ok).toBe(true);
    expect(io(at, "v", write(0, 10, 1), first)).toBeUndefined();
    expect(io(at, "v", write(0, 40, 1), { session: 2, number: 1, oldest: 1 }).ok).toBe(true);
    expect(io(at, "v", write(0, 50, 1), { session: 0, number: 9, oldest: 9 })).toBeUndefined();
    expect(stampsOf(volumeContent(at.array, "v")!.read(0, 1))).toEqual([40]);
  });

  it("do not apply what is in the queue and was given up, over what its sender wrote since", () => {
    const at = rig();
    addVolume(at.array, "v", 100);
    const sent = (number: number, oldest: number, stamp: number) => {
      const by = { sender: "s", session: 0, owner: "s" };
      return { volume: "v", request: write(0, stamp, 1), number, oldest, ...by };
    };
    for (let round = 0; round < 20; round++) {
      const [first, second] = [2 * round + 1, 2 * round + 2];
      askAt(at.client, 0, at.array, first, sent(first, first, first), "volume-io");
      askAt(at.client, 1, at.array, second, sent(second, second, second), "volume-io");
      at.world.run();
      expect(stampsOf(volumeContent(at.array, "v")!.read(0, 1))).toEqual([second]);
    }
  });

  it("have no space beyond the capacity, and count what is written", () => {
    const ops = fc.array(
      fc.record({
        volume: fc.constantFrom("a", "b"),
        op: fc.constantFrom("write", "write", "write", "discard"),
        sector: fc.nat(400),
        sectors: fc.integer({ min: 1, max: 100 }),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(ops, fc.nat(100), fc.boolean(), (list, seed, crash) => {
        const at = rig(seed);
        for (const name of ["a", "b"]) addVolume(at.array, name, 500);
        for (const { volume, op, sector, sectors } of list) {
          const request = op === "write" ? write(sector, 1000, sectors) : { op, sector, sectors };
          const answer = io(at, volume, request);
          if (!answer.ok) expect(answer.code).toBe("no-space");
        }
        if (crash) {
          at.world.crash(at.domain, "test");
          at.world.restart(at.domain);
        }
        const counted = ["volume:a", "volume:b"].map((label) => countGrains(at.array, label));
        expect(at.array.durable.usedGrains).toBe(counted[0]! + counted[1]!);
        expect(at.array.durable.usedGrains).toBeLessThanOrEqual(64);
        expect(at.world.checker.violations).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });
});

describe("a crash at each durable step", () => {
  /** Descriptor by intent: data, flush, file. What the file names must be there in full. */
  const steps = (at: Rig): void => {
    const volume = (n: number, oldest: number, request: object) => ({
      volume: "v",
      request,
      sender: "s",
      session: 0,
      number: n,
      oldest,
      owner: "s",
    });
    askAt(at.client, 0, at.array, 1, { name: "v", sectors: 64 }, "create-volume");
    askAt(at.client, 9e6, at.array, 2, volume(1, 1, write(0, 100, 8)), "volume-io");
    askAt(at.client, 9e6, at.array, 3, volume(2, 1, write(8, 200, 8)), "volume-io");
    askAt(at.client, 18e6, at.array, 4, volume(3, 3, { op: "flush" }), "volume-io");
    askAt(at.client, 27e6, at.array, 5, { name: "d", value: "v" }, "file-write");
    askAt(at.client, 36e6, at.array, 6, volume(4, 4, write(4, 300, 8)), "volume-io");
  };

  const stepEvents = (at: Rig): number[] => {
    const events: number[] = [];
    at.world.hooks.onNotice = ({ kind, event }) => {
      if (kind === "durable") events.push(event);
    };
    steps(at);
    at.world.run();
    return events;
  };

  it("keeps files and volumes that were acknowledged, and flushed data below a file", () => {
    const events = stepEvents(rig());
    expect(events.length).toBeGreaterThanOrEqual(4);
    for (const event of [...events, ...events.map((each) => each - 1)]) {
      for (let pattern = 0; pattern < 4; pattern++) {
        const at = rig(1, {}, pattern);
        const world = at.world;
        steps(at);
        world.run({ untilEvent: event });
        world.crash(at.domain, "test");
        world.restart(at.domain);
        const acknowledged = new Set(answersOf(at.client).map((each) => each.tag));
        const content = volumeContent(at.array, "v");
        if (acknowledged.has(1)) expect(content).toBeDefined();
        const file = at.array.durable.files["file:d"];
        if (acknowledged.has(5)) expect(file).toEqual({ version: 1, value: "v" });
        if (file !== undefined) {
          const found = stampsOf(content!.read(0, 16));
          found.forEach((stamp, sector) => {
            const flushed = sector < 8 ? 100 + sector : 200 + sector - 8;
            const later = sector >= 4 && sector < 12 ? 300 + sector - 4 : flushed;
            expect([flushed, later]).toContain(stamp);
          });
        }
        expect(world.checker.violations).toEqual([]);
      }
    }
  });
});
