import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  component,
  type Entity,
  type PlainObject,
  type Reply,
  restoreWorld,
  World,
} from "../../kernel/index.ts";
import { disciplined, initialClock, offsetAt, stepped } from "./clock.ts";
import { cpu, cpuInvariants } from "./cpu.ts";
import { reserveMemory, releaseMemory, readClockNs, spawnHost } from "./host.ts";

type Done = { done: { [vcpu: string]: number[] } };

/** Keeps asking for bursts of a vCPU, with a pause after each. */
const vcpu = component<PlainObject, Done, PlainObject>({
  kind: "vcpu",
  durable: () => ({ done: {} }),
  handlers: {
    ask: (self, arg: Wish & { cpu: number; vcpu: string }) => {
      const { cpu: to, pauseNs: _, ...body } = arg;
      self.ask(to, "run", body, { then: "ran", tag: arg });
    },
    ran: (self, reply: Reply) => {
      const tag = reply.tag as Wish & { vcpu: string };
      const { done } = self.editDurable();
      (done[tag.vcpu] ??= []).push(self.simulatedNs);
      self.after(tag.pauseNs ?? 0, "ask", reply.tag);
    },
  },
});

const QUANTUM_NS = 1_000_000;

type Wish = { shares: number; workNs: number; pauseNs?: number; fromNs?: number };

function machine(cores: number, tasks: readonly Wish[], quantumNs = QUANTUM_NS) {
  const world = new World({ gate: { seed: 1 } });
  world.addInvariants(cpuInvariants);
  const domain = world.addDomain("host");
  const processor = world.spawn(cpu, { cores, quantumNs }, { domain, name: "cpu" });
  const asker = world.spawn(vcpu, {}, { domain, name: "asker" });
  tasks.forEach((task, i) => {
    const { fromNs = i, ...wish } = task;
    asker.after(fromNs, "ask", { cpu: processor.id, vcpu: `v${i}`, ...wish });
  });
  return { world, processor, done: (i: number) => asker.durable.done[`v${i}`] ?? [] };
}

describe("the processor", () => {
  it("gives each vCPU its share, keeps cores busy, and starves nobody", () => {
    const task = fc.record({
      shares: fc.integer({ min: 100, max: 4_000 }),
      workNs: fc.constant(10_000_000),
    });
    fc.assert(
      fc.property(fc.array(task, { minLength: 2, maxLength: 5 }), (tasks) => {
        const { world, done } = machine(1, tasks);
        const seconds = 4;
        world.run({ untilNs: seconds * 1e9 });
        expect(world.checker.violations).toEqual([]);
        const received = tasks.map(({ workNs }, i) => done(i).length * workNs);
        const total = received.reduce((a, b) => a + b, 0);
        expect(total).toBeGreaterThan(seconds * 1e9 - tasks.length * 10_000_000);
        const shares = tasks.reduce((sum, each) => sum + each.shares, 0);
        tasks.forEach((each, i) => {
          const due = (each.shares / shares) * total;
          expect(Math.abs(received[i]! - due)).toBeLessThan(total * 0.03 + 2 * each.workNs);
        });
      }),
      { numRuns: 15 },
    );
  });

  it("starves nobody, whatever pauses, shares and quanta", () => {
    const task = fc.record({
      shares: fc.constantFrom(1, 7, 1_000, 1_000_000),
      workNs: fc.constantFrom(1, 400, 3_000, 50_000, 800_000),
      pauseNs: fc.constantFrom(0, 1, 300, 2_500, 100_000),
      fromNs: fc.nat(20_000),
    });
    const tasks = fc.array(task, { minLength: 2, maxLength: 6 });
    const cores = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(cores, tasks, fc.constantFrom(1_000, 7_000), (count, wishes, quantumNs) => {
        const { world } = machine(count, wishes, quantumNs);
        world.run({ untilNs: 3_000_000, untilEvent: 3_000 });
        expect(world.checker.violations).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it("owes nothing to one that slept while another one ran alone", () => {
    const alone = { shares: 1_000, workNs: 500_000 };
    const sleeper = { shares: 1_000, workNs: 20_000, fromNs: 400_000, pauseNs: 1e9 };
    const { world, done } = machine(1, [alone, sleeper], 1_000);
    world.run({ untilNs: 600_000 });
    expect(world.checker.violations).toEqual([]);
    // They take turns, so that its burst takes about twice as long.
    expect(done(1)[0]).toBeGreaterThanOrEqual(400_000 + 2 * 20_000 - 2 * 1_000);
    expect(done(0)).toEqual([520_000]);
  });

  it("owes a sleeper nothing for the long turn of one with few shares", () => {
    const tasks = [
      { shares: 1_000, workNs: 50_000_000 },
      { shares: 1, workNs: 50_000_000 },
      { shares: 1_000, workNs: 300_000, pauseNs: 2_000_000 },
    ];
    const { world } = machine(1, tasks, 1_000);
    world.run({ untilNs: 4_000_000 });
    expect(world.checker.violations).toEqual([]);
  });

  it("costs one event a burst, and no longer than the burst, when nobody else wants it", () => {
    const { world, done } = machine(4, [{ shares: 1_000, workNs: 50_000_000 }]);
    world.run({ untilNs: 500_000_000 });
    expect(done(0)).toEqual(Array.from({ length: 10 }, (_, i) => (i + 1) * 50_000_000));
    expect(world.eventCount).toBeLessThan(60);
  });

  it("takes k times as long for what is left of a burst from the moment it turns slow", () => {
    const { world, processor, done } = machine(1, [{ shares: 1_000, workNs: 10_000_000 }]);
    const slow = (atNs: number, factor: number): void => {
      const request = { from: 0, askId: 0, delivery: "stream", via: -1, body: { factor } };
      processor.after(atNs, "slow", request as never);
    };
    slow(4_000_000, 3);
    slow(10_000_000, 1);
    world.run({ untilNs: 30_000_000 });
    expect(done(0)).toEqual([14_000_000, 24_000_000]);
  });

  it("ends the burst of a former run when its vCPU comes anew", () => {
    const { world, processor } = machine(2, []);
    const run = (atNs: number, vcpu: string, workNs: number): void => {
      const body = { vcpu, shares: 1_000, workNs };
      const request = { from: 0, askId: 0, delivery: "stream", via: -1, body };
      processor.after(atNs, "run", request as never);
    };
    run(0, "v0", 10_000_000);
    run(3_000_000, "v0", 5_000_000);
    run(3_000_000, "v1", 9_000_000);
    world.run({ untilNs: 4_000_000 });
    const ends = () => processor.volatile.running.map(({ endsNs }) => endsNs);
    expect(ends()).toEqual([8_000_000, 12_000_000]);
    expect(processor.volatile.waiting).toEqual([]);
    world.run({ untilNs: 9_000_000 });
    expect(ends()).toEqual([12_000_000]);
  });

  it("is reported when a vCPU starves (canary)", () => {
    const { world, processor } = machine(1, [
      { shares: 1_000, workNs: 5_000_000 },
      { shares: 1_000, workNs: 5_000_000 },
    ]);
    world.run({ untilNs: 1_500_000 });
    const waiting = processor.edit().waiting[0]!;
    waiting.waitingSinceNs = -1e9;
    world.run({ untilNs: 3_000_000 });
    expect(world.checker.violations.map(({ invariant }) => invariant)).toContain("no vCPU starves");
  });

  it("is reported when one runs for three quanta while others wait (canary)", () => {
    const { world, processor } = machine(1, [
      { shares: 1_000, workNs: 50_000_000 },
      { shares: 1_000, workNs: 50_000_000 },
    ]);
    world.run({ untilNs: 3_500_000 });
    const [running] = processor.edit().running;
    processor.cancel(running!.timer);
    running!.timer = processor.after(3_000_000, "slice-end", running!.request.body.vcpu);
    world.run({ untilNs: 7_000_000 });
    expect(world.checker.violations.map(({ invariant }) => invariant)).toContain("no vCPU starves");
  });

  it("goes on from a snapshot at every event as if nothing had happened", () => {
    const tasks = [
      { shares: 300, workNs: 2_500_000 },
      { shares: 900, workNs: 700_000 },
      { shares: 500, workNs: 1_100_000 },
    ];
    const straight = machine(2, tasks).world;
    straight.run({ untilNs: 30_000_000 });
    const { world } = machine(2, tasks);
    while (world.run({ untilNs: 30_000_000, untilEvent: world.eventCount + 1 }) === "event") {
      restoreWorld(world, captureWorld(world));
    }
    expect(world.root()).toBe(straight.root());
  });
});

describe("a host", () => {
  const options = {
    cores: 2,
    memoryMiB: 1_000,
    quantumNs: QUANTUM_NS,
    pageCacheBytes: 1 << 20,
    sensors: [{ id: "fan", nominal: 40, warningAt: 60, criticalAt: 80, periodNs: 1_000_000 }],
    sensorNoise: { fan: 1 },
    clock: { offsetNs: 5_000, driftPpm: 100, ntp: null },
  };

  it("reserves memory up to what it has", () => {
    const { host } = spawnHost(new World({ gate: { seed: 1 } }), "alpha", options);
    expect(reserveMemory(host, "a", 600)).toBe(true);
    expect(reserveMemory(host, "b", 401)).toBe(false);
    releaseMemory(host, "a");
    expect(reserveMemory(host, "b", 401)).toBe(true);
  });

  it("has a clock that drifts, and sensors that tell when they cross a limit", () => {
    const world = new World({ gate: { seed: 1 } });
    const { host } = spawnHost(world, "alpha", options);
    const crossings: PlainObject[] = [];
    world.hooks.onNotice = ({ kind, data }) => void (kind === "sensor" && crossings.push(data));
    const body = { sensor: "fan", target: 90, overNs: 20_000_000 };
    const request = { from: 0, askId: 0, delivery: "stream", via: -1, body };
    world.call(host as unknown as Entity, "degrade", request as never);
    world.run({ untilNs: 40_000_000 });
    expect(readClockNs(host) - world.timeNs).toBe(5_000 + Math.trunc((world.timeNs * 100) / 1e6));
    const levels = crossings.map(({ level }) => level);
    expect(levels.indexOf("warning")).toBe(0);
    expect(levels).toContain("critical");
  });
});

describe("a clock step", () => {
  it("moves the reading by as much from then on, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -500, max: 500 }),
        fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
        fc.nat(2_000_000_000),
        fc.nat(2_000_000_000),
        (driftPpm, stepNs, atNs, laterNs) => {
          const config = { offsetNs: 3_000, driftPpm, ntp: null };
          const before = initialClock(config);
          const after = stepped(config, before, atNs, stepNs);
          const at = atNs + laterNs;
          const difference = offsetAt(config, after, at) - offsetAt(config, before, at);
          // Each reading is rounded to a nanosecond, in two parts after the step.
          expect(Math.abs(difference - stepNs)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe("clock discipline", () => {
  it("keeps the offset within its poll's error once it has it", () => {
    const ntp = { pollNs: 1e9, errorNs: 1_000, maxSlewPpm: 500, stepThresholdNs: 1_000_000 };
    const config = { offsetNs: 50_000_000, driftPpm: 60, ntp };
    let state = { offsetNs: config.offsetNs, sinceNs: 0, slewPpm: 0 };
    for (let second = 1; second <= 60; second++) {
      const error = second % 2 === 0 ? 1_000 : -1_000;
      state = disciplined(config, ntp, state, second * 1e9, error);
      if (second > 10) expect(Math.abs(offsetAt(config, state, second * 1e9))).toBeLessThan(70_000);
    }
  });
});
