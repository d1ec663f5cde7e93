/**
 * The disk against queueing theory: M/D/1 waiting times, Little's law, and scaling of all times.
 */
import { describe, expect, it } from "vitest";
import {
  component,
  type Distribution,
  exponential,
  type Entity,
  type Reply,
} from "../../kernel/index.ts";
import { type DiskOptions, spawnDisk } from "./disk.ts";
import { answersOf, askAt, newClient, newWorld } from "./testing/bench.ts";

const SERVICE_NS = 1_000_000;

const FIXED: DiskOptions = {
  readNs: SERVICE_NS,
  writeNs: SERVICE_NS,
  flushNs: 0,
  seekNs: 0,
  bytesPerSecond: 0,
  queueDepth: 1,
  cacheBytes: 0,
  sectors: 1024,
};

type SourceConfig = { disk: number; gap: Distribution; count: number; warmUp: number };
type SourceState = { sent: number; answered: number; sumNs: number; sojournsNs: number };

/** Poisson arrivals; adds up how long requests waited before they were worked on. */
const source = component<SourceConfig, Record<never, never>, SourceState>({
  kind: "source",
  volatile: () => ({ sent: 0, answered: 0, sumNs: 0, sojournsNs: 0 }),
  handlers: {
    arrive: (self) => {
      const { disk, gap, count } = self.config;
      const state = self.edit();
      const sector = state.sent % 1000;
      const io = { op: "read", sector, sectors: 1 };
      self.ask(disk, "io", io, { then: "answered", tag: self.simulatedNs });
      if (++state.sent < count) self.after(self.draw("gap", gap), "arrive");
    },
    answered: (self, reply: Reply) => {
      const state = self.edit();
      const sojournNs = self.simulatedNs - (reply.tag as number);
      state.answered++;
      state.sojournsNs += sojournNs;
      if (state.answered > self.config.warmUp) state.sumNs += sojournNs - SERVICE_NS;
    },
  },
});

type Source = Entity<SourceConfig, Record<never, never>, SourceState>;

function poissonRun(seed: number, meanGapNs: number, count: number, warmUp: number): Source {
  const world = newWorld({ seed });
  const host = world.addDomain("host");
  const disk = spawnDisk(world, { domain: host }, { ...FIXED, name: "disk" });
  const config = { disk: disk.id, gap: exponential(meanGapNs), count, warmUp };
  const entity = world.spawn(source, config, { domain: host, name: "source" });
  entity.after(0, "arrive");
  world.run();
  return entity;
}

describe("M/D/1", () => {
  it.each([
    [0.3, 1200, 100],
    [0.6, 1500, 200],
    [0.9, 4000, 1000],
  ])("at a load of %d the mean wait is rho S / (2 (1 - rho))", (rho, count, warmUp) => {
    const means = Array.from({ length: 100 }, (_, seed) => {
      const { sumNs, answered } = poissonRun(
        seed + 1,
        Math.round(SERVICE_NS / rho),
        count,
        warmUp,
      ).volatile;
      return sumNs / (answered - warmUp);
    });
    const mean = means.reduce((a, b) => a + b) / means.length;
    const variance = means.reduce((a, b) => a + (b - mean) ** 2, 0) / (means.length - 1);
    const halfWidth = 1.984 * Math.sqrt(variance / means.length); // Student's t, 99 degrees
    const theory = (rho * SERVICE_NS) / (2 * (1 - rho));
    expect(Math.abs(mean - theory)).toBeLessThan(halfWidth);
    expect(halfWidth).toBeLessThan(0.12 * theory);
  });
});

describe("Little's law", () => {
  it("holds exactly: requests in the disk over time add up to the sum of their sojourns", () => {
    const world = newWorld({ seed: 5 });
    const host = world.addDomain("host");
    const disk = spawnDisk(world, { domain: host }, { ...FIXED, queueDepth: 3, name: "disk" });
    const config = { disk: disk.id, gap: exponential(400_000), count: 2000, warmUp: 0 };
    const from = world.spawn(source, config, { domain: host, name: "source" });
    from.after(0, "arrive");
    let inside = 0;
    let lastNs = 0;
    let areaNs = 0;
    world.hooks.onEvent = ({ handler, target, timeNs }) => {
      if (target.id !== disk.id) return;
      areaNs += inside * (timeNs - lastNs);
      lastNs = timeNs;
      if (handler.endsWith("io")) inside++;
      if (handler.endsWith("served")) inside--;
    };
    world.run();
    expect(inside).toBe(0);
    expect(areaNs).toBe(from.volatile.sojournsNs);
  });
});

describe("scaling", () => {
  const durations = (k: number): number[] => {
    const world = newWorld();
    const host = world.addDomain("host");
    const client = newClient(world, host);
    const disk = spawnDisk(world, client as never, {
      readNs: 90_000 * k,
      writeNs: 70_000 * k,
      flushNs: 400_000 * k,
      seekNs: 30_000 * k,
      bytesPerSecond: 512_000_000 / k,
      queueDepth: 2,
      cacheBytes: 16 * 512,
      destageNs: 100_000 * k,
      sectors: 4096,
    });
    for (let i = 0; i < 200; i++) {
      const range = { sector: (i * 37) % 4000, sectors: 1 + (i % 7) };
      const io =
        i % 5 === 4
          ? { op: "flush" }
          : i % 2 === 0
            ? { op: "read", ...range }
            : { op: "write", ...range, runs: [{ kind: "zero", sectors: range.sectors }] };
      askAt(client, i * 50_000 * k, disk, i, io);
    }
    world.run();
    return answersOf(client).map((each) => each.atNs);
  };

  it("all times k-fold and rates divided by k give every duration k-fold", () => {
    const once = durations(1);
    for (const k of [2, 5, 10]) expect(durations(k)).toEqual(once.map((ns) => ns * k));
  });
});
