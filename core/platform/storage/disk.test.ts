/** What a power loss may leave of a disk, every case of it, and the faults of its medium. */
import { describe, expect, it } from "vitest";
import type { Steer } from "../../kernel/index.ts";
import { diskContent, type DiskOptions, spawnDisk } from "./disk.ts";
import { storageInvariants } from "./invariants.ts";
import { answersOf, askAt, newClient, newWorld, stampRun } from "./testing/bench.ts";
import { stampsOf } from "./testing/journal.ts";

const PLAIN: DiskOptions = {
  readNs: 1000,
  writeNs: 1000,
  flushNs: 1000,
  seekNs: 0,
  bytesPerSecond: 0,
  queueDepth: 1,
  cacheBytes: 64 * 512,
  destageNs: 1_000_000_000,
  sectors: 64,
};

function rig(options: Partial<DiskOptions> = {}, steer?: Steer) {
  const world = newWorld(steer === undefined ? {} : { steer });
  const host = world.addDomain("host");
  const client = newClient(world, host);
  const disk = spawnDisk(world, client as never, { ...PLAIN, ...options });
  const lost: number[] = [];
  const faults: string[] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "lost-writes") lost.push(data["writes"] as number);
    if (kind === "fault") faults.push(data["fault"] as string);
  };
  let tag = 0;
  const ask = (body: object, verb = "io") => {
    askAt(client, 0, disk, ++tag, body, verb);
    world.run({ untilNs: world.timeNs + 10_000 });
    return answersOf(client).at(-1)!;
  };
  const write = (sector: number, stamp: number, sectors: number, more: object = {}) =>
    ask({ op: "write", sector, sectors, runs: [stampRun(stamp, sectors)], ...more });
  const powerLoss = () => {
    world.crash(host, "power loss");
    world.restart(host);
  };
  const held = (from: number, sectors: number) => stampsOf(diskContent(disk).read(from, sectors));
  return { world, ask, write, powerLoss, held, lost, faults };
}

/** Runs `body` once for every way in which the draws can come out, up to `below` options each. */
function everyOutcome(body: (steer: Steer) => void): number {
  const stack: number[][] = [[]];
  let runs = 0;
  while (stack.length > 0) {
    const choices = stack.pop()!;
    let at = 0;
    body(({ distribution }) => {
      const options =
        distribution.kind === "uniform"
          ? distribution.below
          : distribution.kind === "choice"
            ? distribution.weights.length
            : 1;
      if (at === choices.length) {
        for (let other = 1; other < options; other++) stack.push([...choices, other]);
        choices.push(0);
      }
      return choices[at++]!;
    });
    runs++;
  }
  return runs;
}

describe("power loss", () => {
  it("leaves any subset of unflushed writes, torn at sectors, and nothing else", () => {
    const seen = new Set<string>();
    const runs = everyOutcome((steer) => {
      const at = rig({}, steer);
      at.write(0, 10, 1);
      at.ask({ op: "flush" });
      at.write(0, 20, 1);
      at.write(1, 30, 3);
      at.powerLoss();
      const [first, ...rest] = at.held(0, 4);
      expect([10, 20]).toContain(first);
      rest.forEach((stamp, i) => expect([0, 30 + i]).toContain(stamp));
      seen.add(at.held(0, 4).join());
    });
    expect(runs).toBeGreaterThan(15);
    // Both outcomes of the first, times: none, all, first 1 or 2, last 1 or 2 sectors of the second.
    expect(seen.size).toBe(12);
  });

  it("respects barriers", () => {
    const seen = new Set<string>();
    everyOutcome((steer) => {
      const at = rig({}, steer);
      at.write(0, 10, 1);
      at.write(1, 20, 1, { barrier: true });
      at.write(2, 30, 1);
      at.powerLoss();
      seen.add(at.held(0, 3).join());
    });
    expect([...seen].sort()).toEqual(["0,0,0", "0,20,0", "10,0,0", "10,20,0", "10,20,30"]);
  });

  it("never takes what was written with fua, and says how many writes it undid", () => {
    everyOutcome((steer) => {
      const at = rig({}, steer);
      at.write(0, 10, 2);
      at.write(1, 20, 1, { fua: true });
      at.write(5, 30, 1);
      at.powerLoss();
      expect(at.held(0, 2)).toEqual([10, 20]);
      expect(at.lost).toEqual(at.held(5, 1)[0] === 0 ? [1] : []);
    });
  });

  it("takes nothing from a disk without a cache", () => {
    const at = rig({ cacheBytes: 0 });
    at.write(0, 10, 4);
    at.powerLoss();
    expect(at.held(0, 4)).toEqual([10, 11, 12, 13]);
  });
});

describe("faults", () => {
  it("latent errors last until the sectors are rewritten", () => {
    const at = rig({ cacheBytes: 0 });
    at.write(3, 10, 1);
    at.ask({ kind: "latent-error", count: 1 }, "arm-fault");
    expect(at.ask({ op: "read", sector: 0, sectors: 8 }).code).toBe("io-error");
    expect(at.ask({ op: "read", sector: 4, sectors: 4 }).ok).toBe(true);
    at.write(3, 20, 1);
    expect(at.ask({ op: "read", sector: 0, sectors: 8 }).ok).toBe(true);
    expect(at.faults).toEqual(["latent-error"]);
  });

  it("bit rot changes one bit of a written sector", () => {
    const at = rig({ cacheBytes: 0 });
    at.write(3, 10, 1);
    at.ask({ kind: "bit-rot", count: 1 }, "arm-fault");
    expect(at.held(3, 1)).toEqual([-1]);
    expect(at.faults).toEqual(["bit-rot"]);
  });

  it("no space spares what is allocated", () => {
    const at = rig();
    at.write(0, 10, 4);
    at.ask({ kind: "no-space", on: true }, "arm-fault");
    expect(at.write(2, 20, 4).code).toBe("no-space");
    expect(at.write(0, 20, 4).ok).toBe(true);
    at.ask({ kind: "no-space", on: false }, "arm-fault");
    expect(at.write(2, 30, 4).ok).toBe(true);
  });

  it("slow multiplies service times", () => {
    const at = rig();
    const started = at.world.timeNs;
    at.ask({ kind: "slow", factor: 7 }, "arm-fault");
    const asked = at.world.timeNs;
    expect(at.ask({ op: "read", sector: 0, sectors: 1 }).atNs - asked).toBe(7000);
    expect(started).toBe(0);
  });

  it.each(["lost-write", "misdirected-write", "torn-write"])(
    "%s is noticed by the invariant of devices",
    (kind) => {
      const at = rig();
      at.world.addInvariants(storageInvariants);
      at.write(0, 10, 8);
      at.ask({ kind, count: 1 }, "arm-fault");
      expect(at.world.checker.violations).toEqual([]);
      expect(at.write(0, 50, 8).ok).toBe(true);
      at.ask({ op: "read", sector: 0, sectors: 8 });
      expect(at.faults).toEqual([kind]);
      expect(at.world.checker.violations.map((each) => each.invariant)).toEqual([
        "a device returns and keeps what it acknowledged",
      ]);
    },
  );

  it("a lying flush is noticed at the next power loss", () => {
    let noticed = 0;
    everyOutcome((steer) => {
      const at = rig({}, steer);
      at.world.addInvariants(storageInvariants);
      at.write(0, 10, 1);
      at.ask({ kind: "lying-flush", count: 1 }, "arm-fault");
      at.ask({ op: "flush" });
      at.powerLoss();
      const lost = at.held(0, 1)[0] === 0;
      expect(at.world.checker.violations.length).toBe(lost ? 1 : 0);
      if (lost) noticed++;
    });
    expect(noticed).toBeGreaterThan(0);
  });

  it("strike at their rates", () => {
    const at = rig({ faultRates: { lostWrite: 500_000 } });
    for (let i = 0; i < 200; i++) at.write(i % 60, 100 + i, 1);
    expect(at.faults.length).toBeGreaterThan(60);
    expect(at.faults.length).toBeLessThan(140);
  });
});
