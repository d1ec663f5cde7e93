/** Virtual machines over a disk that may lose what was not flushed: lifecycle, crashes, checks. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureWorld, decodeImage, encodeImage, MS, restoreWorld } from "../kernel/index.ts";
import { powerOn, powerStateOf, vmOf, type VmRecord } from "./index.ts";
import { type Bug, smallWorld, type SmallWorld } from "./testing/small-world.ts";

/** Runs one machine through crashes at the given events, each time restarted on the other host. */
function crashing(built: SmallWorld, record: VmRecord, crashes: readonly number[]): void {
  const { world, hosts, start } = built;
  let host = 0;
  start(record, host);
  for (const events of crashes) {
    world.run({ untilEvent: world.eventCount + events });
    world.crash(hosts[host]!, "power");
    world.restart(hosts[host]!);
    host = 1 - host;
    start(record, host);
  }
  world.run({ untilNs: world.timeNs + 400 * MS });
  world.finish();
}

/** A request that nobody waits for. */
const request = (from: number) => ({ from, askId: 0, delivery: "stream", via: -1, body: null });

const acknowledged = (record: VmRecord): number =>
  (record.durable.journal.own as { acknowledged: number }).acknowledged;

describe("a captured guest", () => {
  it("plays its capture to the end and finds what it wrote", () => {
    const built = smallWorld();
    const [record] = built.records as [VmRecord];
    crashing(built, record, []);
    expect(built.findings()).toEqual([]);
    expect(acknowledged(record)).toBe(400);
    expect(record.durable.journal.own["ended"]).toBe(true);
  });

  it("resumes after crashes at any event, and nothing acknowledged is missed", () => {
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom("capture" as const, "workload" as const),
        (seed, crashes, kind) => {
          const built = smallWorld({ seed, kind });
          const [record] = built.records as [VmRecord];
          crashing(built, record, crashes);
          expect(built.findings()).toEqual([]);
          expect(built.world.checker.unreached).toEqual([]);
          if (kind === "capture") expect(acknowledged(record)).toBe(400);
        },
      ),
      { numRuns: 12 },
    );
  });

  const caught: readonly (readonly [Bug, string])[] = [
    ["forgets-flushed", "an acknowledged and flushed write survives"],
    ["wrong-sector", "a guest reads what it wrote"],
    ["stale-read", "a guest reads what it wrote"],
  ];
  it.each(caught)("canary: a disk that is %s is caught", (bug, invariant) => {
    const found = new Set<string>();
    for (let seed = 0; seed < 5; seed++) {
      const built = smallWorld({ seed, bug });
      crashing(built, built.records[0]!, [500, 300]);
      for (const each of built.findings()) found.add(each);
    }
    expect(found).toContain(invariant);
  });
});

describe("a virtual machine", () => {
  it("receives nothing while stunned, and goes on with its time shifted", () => {
    const ends = [0, 50].map((stunMs) => {
      const { world, records, start, boundary } = smallWorld({ kind: "workload" });
      const vm = start(records[0]!, 0)!;
      world.run({ untilNs: 10 * MS });
      const before = boundary.length;
      const at = (timeNs: number, handler: string) =>
        vm.after(timeNs - world.timeNs, handler, request(vm.id));
      if (stunMs > 0) {
        at(10 * MS, "stun");
        at(20 * MS, "stun");
        at(40 * MS, "unstun");
        at((10 + stunMs) * MS, "unstun");
        world.run({ untilNs: (10 + stunMs) * MS - 1 });
        expect(boundary.length).toBe(before);
        expect(powerStateOf(records[0]!)).toBe("stunned");
      }
      world.run({ untilNs: (30 + stunMs) * MS });
      expect(powerStateOf(records[0]!)).toBe("running");
      return boundary.findLast(({ input }) => input.kind === "timer")!.nowNs;
    });
    expect(Math.abs(ends[0]! - ends[1]!)).toBeLessThan(MS);
  });

  it("is given all that came while it was stunned", () => {
    for (let seed = 0; seed < 12; seed++) {
      const { world, records, start, findings } = smallWorld({ seed });
      const vm = start(records[0]!, 0)!;
      let mostHeld = 0;
      for (let ms = 5; ms < 60; ms += 5) {
        vm.after(ms * MS - world.timeNs, "stun", request(vm.id));
        vm.after((ms + 2) * MS - world.timeNs, "unstun", request(vm.id));
        world.run({ untilNs: (ms + 2) * MS - 1 });
        mostHeld = Math.max(mostHeld, vm.volatile.held.length);
        world.run({ untilNs: (ms + 2) * MS });
      }
      world.run({ untilNs: 400 * MS });
      world.finish();
      expect(mostHeld).toBeGreaterThan(1);
      expect(acknowledged(records[0]!)).toBe(400);
      expect(findings()).toEqual([]);
    }
  });

  it("shuts down in good order, and is not checked when it starts again", () => {
    const { world, records, start, boundary } = smallWorld();
    const [record] = records as [VmRecord];
    const vm = start(record, 0)!;
    world.run({ untilNs: 20 * MS });
    vm.after(0, "shutdown", request(vm.id));
    world.run({ untilNs: 60 * MS });
    expect(record.durable).toMatchObject({ power: "off", ended: "shutdown", instance: -1 });
    expect(vmOf(record)).toBeUndefined();
    start(record, 1);
    world.run({ untilNs: 400 * MS });
    expect(
      boundary.filter(({ input }) => input.kind === "start").map((each) => each.input),
    ).toEqual([
      { kind: "start", run: 1, crashed: false },
      { kind: "start", run: 2, crashed: false },
    ]);
    expect(acknowledged(record)).toBe(400);
  });

  it("is not powered on twice, nor on a host that is down", () => {
    const { world, hosts, records, start } = smallWorld();
    start(records[0]!, 0);
    expect(start(records[0]!, 1)).toBeUndefined();
    world.crash(hosts[0]!, "power");
    expect(start(records[0]!, 0)).toBeUndefined();
    expect(start(records[0]!, 1)).toBeDefined();
  });

  it("canary: a second instance is a violation", () => {
    const { records, hosts, start, findings } = smallWorld();
    start(records[0]!, 0);
    records[0]!.editDurable().power = "off";
    powerOn(records[0]!, { domain: hosts[1]!, cpu: -1 });
    expect(findings()).toEqual(["one instance of a VM at most"]);
  });

  it.each(["capture", "workload"] as const)(
    "restored at any event, a %s runs as before",
    (kind) => {
      const run = (restoring: boolean): bigint => {
        const built = smallWorld({ kind });
        const { world, hosts, records, start } = built;
        start(records[0]!, 0);
        start(records[1]!, 0);
        for (let event = 1; event <= 400; event++) {
          world.run({ untilEvent: event });
          if (event === 250) {
            world.crash(hosts[0]!, "power");
            world.restart(hosts[0]!);
            start(records[0]!, 1);
          }
          if (!restoring) continue;
          const image = captureWorld(world);
          if (event % 50 === 0) {
            restoreWorld(
              world,
              decodeImage(world, encodeImage(world, image, undefined), undefined),
            );
          } else restoreWorld(world, image);
        }
        expect(built.findings()).toEqual([]);
        return world.root();
      };
      expect(run(true)).toBe(run(false));
    },
  );
});
