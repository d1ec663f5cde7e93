import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  component,
  type Entity,
  type PlainObject,
  type Request,
  restoreWorld,
  World,
} from "../../kernel/index.ts";
import { type LinkEntity, type LinkOptions, spawnLink } from "./link.ts";
import { spawnNic } from "./nic.ts";

type Arrival = { readonly from: number; readonly number: number; readonly atNs: number };
type Inbox = { arrivals: Arrival[] };
type Parcel = { readonly number: number };

const peer = component<PlainObject, Inbox, PlainObject>({
  kind: "peer",
  durable: () => ({ arrivals: [] }),
  handlers: {
    parcel: (self, { from, body }: Request<Parcel>) => {
      self.editDurable().arrivals.push({ from, number: body.number, atNs: self.simulatedNs });
    },
    post: (self, arg: { to: number; number: number; bytes: number; datagram: boolean }) => {
      const delivery = arg.datagram ? "datagram" : "stream";
      self.send(arg.to, "parcel", { number: arg.number }, { bytes: arg.bytes, delivery });
    },
  },
});

const PLAIN = {
  bitsPerSecond: 1_000_000_000,
  latencyNs: 50_000,
  jitterNs: 0,
  lossPerMillion: 0,
  duplicatePerMillion: 0,
  reorderPerMillion: 0,
  queueBytes: 1_048_576,
};

function pair(options: Partial<LinkOptions> = {}, seed = 1) {
  const world = new World({ gate: { seed } });
  const [a, b] = ["a", "b"].map((name) => {
    const domain = world.addDomain(name);
    return world.spawn(peer, {}, { domain, name });
  }) as [Entity<PlainObject, Inbox>, Entity<PlainObject, Inbox>];
  const link = spawnLink(world, "wire", { ...PLAIN, ends: [a.domain, b.domain], ...options });
  const post = (atNs: number, number: number, bytes = 1_000, datagram = false) =>
    a.after(atNs, "post", { to: b.id, number, bytes, datagram });
  return { world, a, b, link, post, arrivals: () => b.durable.arrivals };
}

/** Law of streams; `sabotage` is done to the link before each event. */
function streamLaw(sabotage?: (link: LinkEntity) => void) {
  return fc.property(
    fc.array(fc.nat(5_000_000), { minLength: 1, maxLength: 30 }),
    fc.nat(900_000),
    fc.nat(5_000_000),
    fc.nat(1_000),
    (times, lossPerMillion, cutAtNs, seed) => {
      const { world, link, post, arrivals } = pair({ lossPerMillion, jitterNs: 90_000 }, seed);
      let reset = 0;
      world.hooks.onNotice = ({ kind }) => void (kind === "dropped" && reset++);
      [...times].sort((x, y) => x - y).forEach((at, number) => post(at, number));
      world.run({ untilNs: cutAtNs });
      const cut = { from: 0, askId: 0, delivery: "stream", via: -1, body: { from: -1 } };
      world.call(link as never, "cut", cut as never);
      world.run({ untilNs: cutAtNs + 3_000_000 });
      world.call(link as never, "heal", cut as never);
      while (world.run({ untilEvent: world.eventCount + 1 }) === "event") sabotage?.(link);
      const numbers = arrivals().map(({ number }) => number);
      expect(numbers).toEqual([...new Set(numbers)].sort((x, y) => x - y));
      expect(numbers.length + reset).toBe(times.length);
    },
  );
}

describe("a stream", () => {
  it("arrives once and in order, or is reset, whatever is lost and however long it is cut", () => {
    fc.assert(streamLaw(), { numRuns: 60 });
  });

  it("is seen out of order by a link that forgets the order (canary)", () => {
    const forget = (link: LinkEntity): void =>
      link.editDurable().directions.forEach((each) => (each.arrivals = []));
    expect(fc.check(streamLaw(forget), { numRuns: 60, seed: 1 }).failed).toBe(true);
  });

  it("takes as long as its bytes and the latency say", () => {
    const { world, post, arrivals } = pair();
    post(0, 0, 1_460);
    world.run();
    const wireNs = Math.ceil(((1_460 + 78) * 8 * 1e9) / 1e9);
    expect(arrivals()[0]!.atNs).toBe(wireNs + 50_000);
  });

  it("is reset when a cut lasts too long", () => {
    const { world, link, post, arrivals } = pair({ giveUpNs: 1_000_000 });
    const request = { from: 0, askId: 0, delivery: "stream", via: -1, body: { from: 0 } };
    world.call(link as never, "cut", request as never);
    post(0, 0);
    post(900_000, 1);
    world.run({ untilNs: 1_500_000 });
    world.call(link as never, "heal", request as never);
    world.run();
    expect(arrivals(), "nothing of a reset connection arrives").toEqual([]);
  });
});

describe("the wire", () => {
  it("carries nothing in a direction that is cut, and all in one that is not", () => {
    const cases = { none: [1, 1], a: [0, 1], b: [1, 0], both: [0, 0] };
    for (const [which, [toB, toA]] of Object.entries(cases)) {
      for (const datagram of [true, false]) {
        const { world, a, b, link } = pair();
        const from = which === "a" ? a.domain : which === "b" ? b.domain : -1;
        const cut = { from: 0, askId: 0, delivery: "stream", via: -1, body: { from } };
        if (which !== "none") world.call(link as never, "cut", cut as never);
        a.after(0, "post", { to: b.id, number: 1, bytes: 100, datagram });
        b.after(0, "post", { to: a.id, number: 1, bytes: 100, datagram });
        world.run({ untilNs: 1_000_000 });
        expect([b.durable.arrivals.length, a.durable.arrivals.length]).toEqual([toB, toA]);
      }
    }
  });

  it("is shared by two flows: each gets half, whatever the size of its messages", () => {
    for (const [bytes, count] of [
      [1_460, 600],
      [100_000, 9],
      [1_000_000, 1],
    ] as const) {
      const { world, a, b } = pair({ latencyNs: 0 });
      const other = world.spawn(peer, {}, { domain: a.domain, name: "a2" });
      for (let number = 0; number < 600; number++) {
        a.after(number, "post", { to: b.id, number, bytes: 1_460, datagram: false });
      }
      for (let number = 0; number < count; number++) {
        other.after(number, "post", { to: b.id, number, bytes, datagram: false });
      }
      world.run();
      const of = (from: number) => b.durable.arrivals.filter((each) => each.from === from);
      const sent = of(a.id).findIndex(({ atNs }) => atNs >= of(other.id).at(-1)!.atNs) * 1_460;
      const share = sent < 0 ? 1 : sent / (count * bytes);
      expect(Math.abs(Math.min(1, share) - 1), `${bytes} bytes`).toBeLessThan(0.2);
    }
  });

  it("does not keep a short message waiting behind a long one of another flow", () => {
    const { world, a, b } = pair();
    const other = world.spawn(peer, {}, { domain: a.domain, name: "a2" });
    a.after(0, "post", { to: b.id, number: 1, bytes: 100_000_000, datagram: false });
    other.after(5_000_000, "post", { to: b.id, number: 2, bytes: 256, datagram: false });
    world.run();
    const [first, second] = b.durable.arrivals as [Arrival, Arrival];
    expect(first.number).toBe(2);
    expect(first.atNs - 5_000_000).toBeLessThan(50_000 + 2 * 560_000);
    expect(second.atNs, "all its bytes take their time").toBeGreaterThan(840_000_000);
  });

  it("shares its interface with the other links of the machine", () => {
    const world = new World({ gate: { seed: 1 } });
    const [a, b, c] = ["a", "b", "c"].map((name) => {
      const domain = world.addDomain(name);
      return world.spawn(peer, {}, { domain, name });
    }) as [Entity<PlainObject, Inbox>, Entity<PlainObject, Inbox>, Entity<PlainObject, Inbox>];
    const domain = world.addDomain("network");
    const nic = spawnNic(world, domain, "a/nic", { bitsPerSecond: 1_000_000_000 });
    for (const to of [b, c]) {
      const ends = [a.domain, to.domain] as const;
      spawnLink(world, `a-${to.name}`, { ...PLAIN, ends, domain, nics: [nic.id, -1] });
    }
    for (const to of [b, c]) {
      a.after(0, "post", { to: to.id, number: 0, bytes: 10_000_000, datagram: false });
    }
    world.run();
    const [atB, atC] = [b, c].map((to) => to.durable.arrivals[0]!.atNs) as [number, number];
    expect(Math.abs(atB - atC), "they take turns").toBeLessThan(1_200_000);
    expect(Math.max(atB, atC)).toBeGreaterThan(168_000_000);
  });

  it("loses with the sender what had not left its queue", () => {
    const { world, post, arrivals } = pair();
    post(0, 0, 1_000_000);
    post(1_000, 1, 1_000_000);
    world.run({ untilNs: 10_000_000 });
    const domain = world.registry.domainNamed("a")!;
    world.crash(domain, "test");
    world.restart(domain);
    world.run();
    expect(arrivals().map(({ number }) => number)).toEqual([0]);
  });

  it("keeps what is on it when the sender crashes, drops it when the receiver has", () => {
    for (const [crashed, expected] of [
      ["a", 1],
      ["b", 0],
    ] as const) {
      const { world, post, arrivals } = pair();
      post(0, 0);
      world.run({ untilNs: 10_000 });
      const domain = world.registry.domainNamed(crashed)!;
      world.crash(domain, "test");
      world.restart(domain);
      world.run();
      expect(arrivals().length, crashed).toBe(expected);
    }
  });

  it("does not bring to a receiver's next life what waited for a cut to heal", () => {
    for (const restarts of [false, true]) {
      const { world, link, post, arrivals } = pair();
      const cut = { from: 0, askId: 0, delivery: "stream", via: -1, body: { from: -1 } };
      world.call(link as never, "cut", cut as never);
      post(1, 0);
      world.run({ untilNs: 10_000 });
      const domain = world.registry.domainNamed("b")!;
      if (restarts) world.crash(domain, "test");
      if (restarts) world.restart(domain);
      world.call(link as never, "heal", cut as never);
      world.run();
      expect(arrivals().length).toBe(restarts ? 0 : 1);
    }
  });

  it("takes k times as long when latencies are k times as long and rates k times lower", () => {
    const arrivalsAt = (k: number): number[] => {
      const scaled = { bitsPerSecond: 1e9 / k, latencyNs: 50_000 * k };
      const { world, post, arrivals } = pair(scaled);
      for (let number = 0; number < 20; number++) post(number * 3_000 * k, number, 1_460);
      world.run();
      return arrivals().map(({ atNs }) => atNs);
    };
    const once = arrivalsAt(1);
    for (const k of [2, 5, 10]) expect(arrivalsAt(k)).toEqual(once.map((at) => at * k));
  });

  it("loses, doubles and reorders datagrams as often as it says", () => {
    const rates = {
      lossPerMillion: 100_000,
      duplicatePerMillion: 50_000,
      reorderPerMillion: 30_000,
    };
    const { world, post, arrivals } = pair(rates);
    const count = 20_000;
    for (let number = 0; number < count; number++) post(number * 20_000, number, 100, true);
    world.run();
    const numbers = arrivals().map(({ number }) => number);
    const distinct = new Set(numbers).size;
    expect(Math.abs(distinct / count - 0.9)).toBeLessThan(0.01);
    expect(Math.abs((numbers.length - distinct) / distinct - 0.05)).toBeLessThan(0.006);
    const late = numbers.filter((number, i) => i > 0 && number < numbers[i - 1]!).length;
    expect(late).toBeGreaterThan(count * 0.02);
  });

  it("drops datagrams that find the queue full", () => {
    const { world, post, arrivals } = pair({ bitsPerSecond: 1_000_000, queueBytes: 10_000 });
    for (let number = 0; number < 100; number++) post(number, number, 1_000, true);
    world.run();
    expect(arrivals().length).toBeGreaterThan(5);
    expect(arrivals().length).toBeLessThan(15);
  });

  it("reckons with a slower interface when it looks whether the queue is full", () => {
    const world = new World({ gate: { seed: 1 } });
    const [a, b] = ["a", "b"].map((name) =>
      world.spawn(peer, {}, { domain: world.addDomain(name), name }),
    ) as [Entity<PlainObject, Inbox>, Entity<PlainObject, Inbox>];
    const domain = world.addDomain("network");
    const nic = spawnNic(world, domain, "a/nic", { bitsPerSecond: 100_000_000 });
    const ends = [a.domain, b.domain] as const;
    const queue = { bitsPerSecond: 10_000_000_000, queueBytes: 100_000 };
    spawnLink(world, "wire", { ...PLAIN, ...queue, ends, domain, nics: [nic.id, -1] });
    for (let number = 0; number < 80; number++) {
      a.after(number, "post", { to: b.id, number, bytes: 1_000, datagram: true });
    }
    world.run();
    expect(b.durable.arrivals).toHaveLength(80);
  });

  it("goes on from a snapshot at every event as if nothing had happened", () => {
    const build = () => {
      const setup = pair({ lossPerMillion: 200_000, jitterNs: 1_000, duplicatePerMillion: 99_000 });
      for (let number = 0; number < 12; number++) {
        setup.post(number * 40_000, number, 3_000, number % 2 === 0);
      }
      return setup.world;
    };
    const straight = build();
    straight.run();
    const world = build();
    while (world.run({ untilEvent: world.eventCount + 1 }) === "event") {
      restoreWorld(world, captureWorld(world));
    }
    expect(world.root()).toBe(straight.root());
  });
});
