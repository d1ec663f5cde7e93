/**
 * A protected real machine (console, disk, network, random numbers, a reset of its own), with its host
 * lost after every event of its life, its backup lost, and each way between them cut: what is seen
 * outside is always what one machine would have put out that was never interrupted.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  canonicalBytes,
  captureWorld,
  decodeImage,
  encodeImage,
  type Entity,
  expandRuns,
  fromMs,
  hash64,
  hashHex,
  type PlainObject,
  restoreWorld,
  SECTOR_BYTES,
  type World,
} from "../../core/kernel/index.ts";
import { LoneMachine, type MachineConfig, type MachineEntry } from "../../core/vmm/index.ts";
import {
  createBuilder,
  openRecordedRun,
  prepareDocument,
  type ReadyScenario,
  runScenario,
  type ScenarioBuilder,
  type ScenarioDocument,
} from "../../scenarios/index.ts";
import { MemoryTraceWriter, openGuest, replayAsync } from "../../traces/index.ts";
import { Failover } from "../testing/failover.ts";
import { protectedMachine } from "../testing/protected-machine.ts";
import { PARTITIONS } from "../testing/protected-pair.ts";

const SEEN = new Set(["console", "send", "lifecycle", "halt"]);
const SECTORS = 8;
const LOST_NS = fromMs(3);

async function ready(document: ScenarioDocument): Promise<ReadyScenario> {
  const prepared = await prepareDocument(document, "protected-machine.json");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  return prepared.scenario;
}

const builderOf = ({ document, inputs, own }: ReadyScenario, slice?: number): ScenarioBuilder =>
  createBuilder(document, inputs, own, [], slice);

let builder: ScenarioBuilder;
let run: Failover<MachineEntry>;

/** What one machine puts out that takes the steps which count, as it is seen outside, by run. */
function uninterrupted(entries: readonly MachineEntry[], world: World): string[][] {
  const runs: string[][] = [[]];
  const disk = new Uint8Array(SECTORS * SECTOR_BYTES);
  const lone = new LoneMachine(builder.guestSpec("db"), builder.machines, (outputs) => {
    for (const output of outputs) {
      if (SEEN.has(output.kind))
        runs.at(-1)!.push(hashHex(hash64(canonicalBytes(output as never))));
      if (output.kind !== "block" || output.io.op !== "write") continue;
      const { sector, runs: content } = output.io;
      expandRuns(content, disk.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
    }
  });
  let current = 0;
  for (const entry of entries) {
    if (entry.input.kind === "start" && entry.input.run !== current) {
      current = entry.input.run;
      runs.push([]);
    }
    expect(lone.take(entry)).toEqual({ ok: true });
  }
  const { outputs, ended } = world.named("db").durable;
  expect(lone.outputs).toEqual(outputs);
  if (ended === "shutdown") expect(Buffer.compare(contentOf(world), disk)).toBe(0);
  return runs;
}

/** Of the disk, on the array. */
function contentOf(world: World): Uint8Array {
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  const volume = world.named("array").content("volume:db-data", 2_048);
  expandRuns(volume.read(0, SECTORS), bytes);
  return bytes;
}

beforeAll(async () => {
  builder = builderOf(await ready(protectedMachine()));
  const lengths = { toNs: fromMs(15), afterNs: fromMs(22) };
  run = new Failover(builder.build({ seed: 3 }), lengths, uninterrupted);
  expect(run.known).toMatchObject({ ended: "shutdown", run: 1 });
  expect(run.last).toBeGreaterThan(300);
  run.expectOneMachine("no fault");
}, 60_000);

describe("a protected real machine", () => {
  it("goes on when its host is lost, at every event, to its end", () => {
    let wentOn = 0;
    for (let event = 1; event <= run.last; event++) {
      run.strikeAfter(event, run.crash("alpha"));
      const what = `alpha lost after event ${event}`;
      run.expectOneMachine(what);
      if (!run.hasBegun) continue;
      expect(run.known.ended, what).toBe("shutdown");
      if (run.known.host === "beta") wentOn++;
    }
    expect(wentOn).toBeGreaterThan(run.last / 2);
  }, 300_000);

  it("goes on from what the backup has, when the end of the log is lost with the host", () => {
    let lost = 0;
    for (let event = 60; event <= run.last; event += 9) {
      run.loseTail(event, LOST_NS);
      const steps = run.entityOf("ft-guard")?.volatile["steps"] as number | undefined;
      if (steps === undefined) continue;
      lost += steps - (run.entityOf("ft-follower")!.volatile["received"] as number);
      run.crash("alpha")();
      run.goOn();
      const what = `log cut after event ${event}`;
      run.expectOneMachine(what);
      if (run.hasBegun) expect(run.place, what).toBe("off beta");
    }
    expect(lost).toBeGreaterThan(50);
  }, 120_000);

  it("goes on alone when its backup is lost", () => {
    for (let event = 1; event <= run.last; event += 11) {
      run.strikeAfter(event, run.crash("beta"));
      const what = `beta lost after event ${event}`;
      run.expectOneMachine(what);
      if (run.hasBegun) expect(`${run.place} ${run.known.ended}`).toBe("off alpha shutdown");
    }
  }, 120_000);

  it.each(PARTITIONS)(
    "lives once when %s",
    (_name, links) => {
      for (let event = 5; event <= run.last; event += 17) {
        run.strikeAfter(event, ...links.map(run.cut));
        run.expectOneMachine(`${links.join()} cut after event ${event}`);
        for (const link of links) run.heal(link)();
        run.goOn();
        run.expectOneMachine(`${links.join()} cut after event ${event}, and healed`);
      }
    },
    120_000,
  );

  it("is lost with both hosts, starts again, and its log tells where the run ended", () => {
    for (const afterMs of [0, 1, 7]) {
      run.goTo(190);
      run.crash("alpha")();
      run.world.run({ untilNs: run.world.timeNs + fromMs(afterMs) });
      run.crash("beta")();
      const what = `alpha lost, and beta ${afterMs} ms later`;
      expect(run.entries.at(-1), what).toMatchObject({ input: { kind: "end" } });
      run.expectOneMachine(what);
      for (const host of ["alpha", "beta"]) {
        run.world.restart(run.world.registry.domainNamed(host)!);
      }
      run.world.run({ untilNs: run.world.timeNs + fromMs(2_200) });
      run.expectOneMachine(what);
      expect(run.known, what).toMatchObject({ ended: "shutdown", run: 2 });
    }
  }, 120_000);

  it("is noticed when output leaves before the backup has what led to it (canaries)", () => {
    const unheld = (guard: Entity): void => {
      const held = guard.volatile["held"] as readonly PlainObject[];
      (guard.edit() as { held: unknown }).held = held.map((each) => ({ ...each, entry: 0 }));
      run.acknowledge(guard.volatile["acknowledged"] as number);
    };
    const early = ({ volatile }: Entity): void => run.acknowledge(volatile["steps"] as number);
    for (const planted of [early, unheld]) {
      const found = new Set<string>();
      for (let event = 100; event <= run.last - 60; event += 13) {
        run.loseTail(event, LOST_NS, () => {
          const guard = run.entityOf("ft-guard");
          if (guard !== undefined) planted(guard);
        });
        run.crash("alpha")();
        run.goOn();
        for (const { invariant } of run.world.checker.violations) found.add(invariant);
      }
      expect(found).toContain("a backup can go on from what was seen outside");
    }
  }, 120_000);

  it("is noticed when the copy goes another way (canary)", () => {
    run.goTo(250);
    const follower = run.entityOf("ft-follower")!;
    const { engine } = run.world.memories.get(`${follower.name}#ram`)!.backing as never as {
      readonly engine: { readonly ram: Uint8Array; writeRam(at: number, bytes: Uint8Array): void };
    };
    const at = Buffer.from(engine.ram).indexOf("entry\0");
    expect(at).toBeGreaterThan(0);
    engine.writeRam(at, new TextEncoder().encode("error"));
    run.goOn();
    expect(run.violations.join()).toContain("a backup takes the steps of its primary");
  });
});

describe("a failover of a real machine", () => {
  const faults = [{ kind: "crash" as const, domain: "alpha", atMs: 9 }];
  let scenario: ReadyScenario;
  beforeAll(async () => {
    scenario = await ready(protectedMachine({ faults }));
  });
  const fresh = (slice?: number): World => builderOf(scenario, slice).build({ seed: 3 });
  const finish = (world: World): string => {
    world.run({ untilNs: fromMs(40) });
    world.finish();
    return hashHex(world.root());
  };

  it("has one root over repeats, slice sizes, snapshots and restores at any event", () => {
    const straight = fresh();
    const root = finish(straight);
    const last = straight.eventCount;
    expect(straight.named("db").durable).toMatchObject({ ended: "shutdown", host: "beta" });
    for (const slice of [1_000, 7_919]) expect(finish(fresh(slice))).toBe(root);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: last }), { maxLength: 6 }), (stops) => {
        let world = fresh();
        for (const [i, stop] of [...stops].sort((a, b) => a - b).entries()) {
          world.run({ untilEvent: stop });
          const kept = captureWorld(world);
          if (i % 2 === 0) {
            world.run({ untilEvent: world.eventCount + 40 });
            restoreWorld(world, kept);
            continue;
          }
          const delta = structuredClone(encodeImage(world, kept, undefined));
          world = fresh(7_919);
          restoreWorld(world, decodeImage(world, delta, undefined));
        }
        expect(finish(world)).toBe(root);
      }),
      { numRuns: 8, seed: 5 },
    );
  }, 120_000);

  it("is replayed from its trace", async () => {
    let writer: MemoryTraceWriter | undefined;
    const recorded = await runScenario(scenario, {
      entropy: "seed",
      log: "full",
      untilNs: fromMs(40),
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
    });
    const opened = await openRecordedRun(writer!.bytes());
    if (!opened.ok) throw new Error(opened.message);
    const options = { sameCode: opened.sameCode };
    const again = await replayAsync(opened.run, opened.builder, options);
    expect(again).toMatchObject({ verified: true, root: recorded.root });
    // Its whole life is there for a debugger, before the failover and after it.
    const { machines } = opened.builder;
    const config = opened.builder.guestSpec("db").config as unknown as MachineConfig;
    const guest = openGuest({
      run: opened.run,
      builder: opened.builder,
      vm: "db",
      config,
      machines,
    });
    if (!guest.ok) throw new Error(guest.message);
    const { target } = guest;
    const counterAt = (place: number): bigint | null => {
      const seek = target.seek(place, () => true);
      while (seek.next().done !== true);
      expect(target.place()).toBe(place);
      return target.register(0, { kind: "pc" });
    };
    const places = [0, 1, 2, 3, 4].map((part) => Math.floor((target.end * part) / 4));
    const counters = places.map(counterAt);
    expect(new Set(counters).size).toBeGreaterThan(2);
    expect([...places].reverse().map(counterAt)).toEqual([...counters].reverse());
  }, 60_000);
});
