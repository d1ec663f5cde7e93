/**
 * Checkpoints of memory in whole scenarios: every way to save and to restore, at every event, with the
 * host or the array lost at every step, with files that were damaged, and with planted bugs. What must
 * hold in each is checked by core/checkpoints/invariants.ts.
 */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  decodeImage,
  encodeImage,
  fromMs,
  hashHex,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import { BOUNDARY_NOTICE, type BoundaryEntry, LoneGuest } from "../../core/vmm/index.ts";
import {
  afterEach,
  crash,
  crashFor,
  crashPoints,
  expectRunning,
  filesOf,
  intentsOf,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { documentOf, OFF, restore, run, SAVE, SMALL } from "../testing/saved-memory.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const METHODS = ["stop-and-copy", "copy-aside", "redirect", "lazy"] as const;

describe("a checkpoint of memory and disks", () => {
  const cases = METHODS.flatMap((method) => (["lazy", "eager"] as const).map((r) => [method, r]));
  it.each(cases as [(typeof METHODS)[number], "lazy" | "eager"][])(
    "saved by %s and restored by %s is the machine of its instant, which goes on",
    (method, by) => {
      const { world, ended } = run(
        documentOf([{ ...SAVE, ...SMALL, method, withDisks: true }, OFF, restore(by)]),
      );
      expect(ended["ck"]).toMatchObject({ outcome: "complete" });
      expect(ended["back"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
      // However many accesses wait for it, a storage block is read once.
      expect(ended["back"]!.figures["reads"]).toBe(ended["ck"]!.figures["storageBlocks"]);
      expectRunning(world, "db", method);
      expect(intentsOf(world)).toEqual([]);
    },
  );

  it("costs the guest what its way to save costs", () => {
    const of = Object.fromEntries(
      METHODS.map((method) => {
        const { ended } = run(documentOf([{ ...SAVE, ...SMALL, method }]));
        return [method, ended["ck"]!.figures];
      }),
    );
    const stopped = of["stop-and-copy"]!;
    for (const method of ["copy-aside", "redirect", "lazy"]) {
      expect(of[method]!["stunNs"]!).toBeLessThan(stopped["stunNs"]! / 4);
      expect(of[method]!["hits"]!).toBeGreaterThan(0);
    }
    // A redirected page costs less at first and is paid for later; copies are freed as they go.
    expect(of["copy-aside"]!["mergeNs"]).toBe(0);
    expect(of["redirect"]!["mergeNs"]!).toBeGreaterThan(0);
    expect(of["redirect"]!["copiedPages"]).toBe(0);
    expect(of["redirect"]!["peakHeld"]!).toBeGreaterThan(of["copy-aside"]!["peakHeld"]!);
    expect(of["lazy"]!["copiedPages"]!).toBeGreaterThan(of["lazy"]!["hits"]!);
  });

  it("with too small a buffer makes the guest wait, or stand still to the end", () => {
    const busy = (method: (typeof METHODS)[number]) =>
      run(documentOf([{ ...SAVE, ...SMALL, stagingBlocks: 4, sideMiB: 1, method }], 3_000_000));
    const lazy = busy("lazy");
    expect(lazy.ended["ck"]).toMatchObject({ outcome: "complete", figures: { degraded: 0 } });
    expect(lazy.ended["ck"]!.figures["stalls"]!).toBeGreaterThan(0);
    expect(lazy.ended["ck"]!.figures["peakHeld"]!).toBeLessThanOrEqual(5);
    for (const method of ["copy-aside", "redirect"] as const) {
      const { ended, world } = busy(method);
      expect(ended["ck"]).toMatchObject({ outcome: "complete", figures: { degraded: 1 } });
      expect(ended["ck"]!.figures["peakHeld"]!).toBeLessThanOrEqual(257);
      expectRunning(world, "db", method);
    }
    expect(violations(lazy.world)).toEqual([]);
  });

  it("that must be whole, of a machine whose restore is still going on, waits for its pages", () => {
    const whole = { base: "last", longestChain: 1 } as const;
    const again = { ...SAVE, id: "again", atMs: 236, do: "checkpoint", ...whole } as const;
    const { world, ended } = run(
      documentOf([{ ...SAVE, ...SMALL, withDisks: true }, OFF, restore("lazy", 0), again]),
    );
    expect(ended["back"]).toMatchObject({ outcome: "complete" });
    expect(ended["again"]).toMatchObject({ outcome: "complete" });
    expectRunning(world, "db", "again");
    expect(volumesOf(world).filter((name) => name.endsWith(".memory"))).toEqual([
      "db.again.memory",
    ]);
  });

  it("is not gone on from beside disks of another time", () => {
    const { world, ended } = run(documentOf([{ ...SAVE, ...SMALL }, OFF, restore("eager")]));
    expect(ended["back"]).toMatchObject({ outcome: "disks-not-saved", detail: ["data", "log"] });
    expect(violations(world)).toEqual([]);
    expect(volumesOf(world)).toContain("db.ck.memory");
  });

  it("that is read only as it is needed ends with its machine", () => {
    const off = { id: "off-again", after: "back.goesOn", delayMs: 20, do: "power-off", vm: "db" };
    const { ended } = run(
      documentOf([{ ...SAVE, ...SMALL, withDisks: true }, OFF, restore("lazy", 0), off as never]),
    );
    expect(ended["off-again"]).toMatchObject({ outcome: "complete" });
    expect(ended["back"]).toMatchObject({ outcome: "vm-off" });
  });

  it("is suspended and resumed again and again, and its checkpoint is gone", () => {
    const timeline = [0, 1, 2].flatMap((i) => [
      { id: `sleep${i}`, atMs: 60 + 200 * i, do: "suspend", vm: "db", on: "array", ...SMALL },
      {
        id: `wake${i}`,
        after: `sleep${i}.complete`,
        do: "resume",
        vm: "db",
        on: "array",
        host: i === 1 ? "beta" : "alpha",
      },
    ]);
    const { world, ended } = run(documentOf(timeline as never));
    for (const i of [0, 1, 2]) expect(ended[`wake${i}`]).toMatchObject({ outcome: "complete" });
    expectRunning(world, "db", "wake");
    expect(volumesOf(world).some((name) => name.endsWith(".memory"))).toBe(false);
  });
});

describe("a suspended machine that has gone on otherwise", () => {
  const on = { vm: "db", on: "array" } as const;
  const point = { id: "point", atMs: 30, do: "snapshot", vm: "db" } as const;
  const sleep = { ...SMALL, ...on, id: "sleep", atMs: 60, do: "suspend" } as const;
  const off = { id: "off", atMs: 250, do: "power-off", vm: "db" } as const;
  const wake = { ...on, id: "wake", atMs: 300, do: "resume" } as const;
  const resumed = { ...wake, id: "between", atMs: 150, method: "lazy", readsAtOnce: 0 } as const;
  const reverted = { id: "between", atMs: 150, do: "revert", vm: "db", point: "point" } as const;
  const started = { id: "between", atMs: 150, do: "power-on", vm: "db" } as const;

  it.each([
    ["started", started, "complete"],
    ["resumed, and ended before all of it was there", resumed, "vm-off"],
    ["reverted", reverted, "complete"],
  ])("%s, is not resumed: its disks are others by then", (_how, between, outcome) => {
    const { world, ended } = run(documentOf([point, sleep, between, off, wake]));
    expect(ended["sleep"]!.outcome).toBe("complete");
    expect(ended["between"]!.outcome).toBe(outcome);
    expect(ended["wake"]!.outcome).toBe("spent");
    expect(violations(world)).toEqual([]);
  });
});

describe("a run with checkpoints", () => {
  it("has one root, wherever it is saved and restored from bytes", () => {
    const timeline = [{ ...SAVE, ...SMALL, withDisks: true }, OFF, restore("lazy", 1)] as const;
    const document = documentOf([...timeline]);
    const straight = builderOf(document).build({ seed: 1 });
    straight.run({ untilNs: fromMs(300) });
    const world = builderOf(document).build({ seed: 1 });
    const from = fromMs(60);
    for (let step = 0; step < 120; step++) {
      world.run({ untilNs: from + step * 1_900_000 });
      const bytes = encodeImage(world, captureWorld(world), undefined);
      restoreWorld(world, decodeImage(world, structuredClone(bytes), undefined));
    }
    world.run({ untilNs: fromMs(300) });
    expect(violations(world)).toEqual([]);
    expect(hashHex(world.root())).toBe(hashHex(straight.root()));
  });
});

describe("a guest that went on from checkpoints", () => {
  it("puts out the same when it is built again alone from its boundary log", () => {
    const sleep = { id: "sleep", atMs: 300, do: "suspend", vm: "db", on: "array" } as const;
    const wake = { id: "wake", atMs: 400, do: "resume", vm: "db", on: "array" } as const;
    const builder = builderOf(
      documentOf([{ ...SAVE, ...SMALL, withDisks: true }, OFF, restore("lazy"), sleep, wake]),
    );
    const world = builder.build({ seed: 1 });
    const entries: BoundaryEntry[] = [];
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === BOUNDARY_NOTICE) entries.push(structuredClone(data) as never);
    };
    world.run({ untilNs: fromMs(1_000) });
    expect(entries.filter(({ input }) => input.kind.startsWith("image-"))).toHaveLength(4);
    const { kinds, inputs } = builder;
    const draws = { at: () => undefined };
    const lone = new LoneGuest({ spec: builder.guestSpec("db"), kinds, inputs, draws, seed: 1 });
    expect(lone.replay(entries)).toMatchObject({ ok: true });
    const { hash, bytes } = lone.outputs;
    expect({ hash, length: bytes }).toEqual(builder.outputs(world)["db"]);
  });
});

describe("planted bugs (canaries)", () => {
  const save = { ...SAVE, ...SMALL, withDisks: true } as const;
  it.each([
    ["savesTwice", "ck", /do not agree/],
    ["copiesLate", "ck", /is not of its instant/],
    ["commitsFirst", "ck", /counts, but is/],
    ["overwritesDirty", "back", /had written, was overwritten/],
  ])("%s is found", (careless, at, message) => {
    const timeline = at === "ck" ? [save] : [save, OFF, restore("lazy", 0)];
    const { world } = run(documentOf(timeline), { at, careless });
    expect(violations(world).join()).toMatch(message);
  });
});

describe("a checkpoint file that was damaged", () => {
  function damaged(damage: (world: World) => void, method: "lazy" | "eager", planted = {}) {
    const world = builderOf(
      documentOf([{ ...SAVE, ...SMALL, withDisks: true }, OFF, restore(method)]),
    ).build({ seed: 1 });
    world.run({ untilNs: fromMs(215) });
    damage(world);
    let outcome = "";
    world.hooks.onNotice = ({ kind, data, entity }) => {
      if (kind === "operation" && data["id"] === "back") {
        Object.assign((world.named(entity).config as { params: object }).params, planted);
      }
      if (kind === "operation-end" && data["id"] === "back") outcome = data["outcome"] as string;
    };
    world.run({ untilNs: fromMs(600) });
    return { world, outcome };
  }
  const fileOf = (world: World) => world.contents.get("array#volume:db.ck.memory")!;

  it.each(["lazy", "eager"] as const)(
    "stops the VM wherever that is, and never makes a page up (%s)",
    (method) => {
      const codes = new Set<string>();
      for (const part of [0, 8, 12, 200, 900, 1_500, 100_000]) {
        const { world, outcome } = damaged((each) => {
          const file = fileOf(each);
          const sector = Math.min(part, file.sectors - 1);
          file.writeBytes(sector, new Uint8Array(512).fill(7));
        }, method);
        codes.add(outcome);
        expect(outcome, String(part)).not.toBe("complete");
        // Observers of the array, and of what the catalog names, see the damage itself.
        const others = violations(world).filter(
          (each) => !/a device returns|counts, but/.test(each),
        );
        expect(others, String(part)).toEqual([]);
        expect(filesOf(world)).toContain("db.checkpoints");
      }
      expect([...codes].sort()).toEqual(["damaged", "not-a-checkpoint"]);
    },
  );

  it("cut short is refused, and the VM stays as it was", () => {
    for (const sectors of [4, 9, 300, 1_000]) {
      const { world, outcome } = damaged((each) => {
        const { volumes } = each.named("array").durable as never as {
          volumes: { [label: string]: { sectors: number } };
        };
        volumes["volume:db.ck.memory"]!.sectors = sectors;
      }, "eager");
      expect(outcome).toBe("truncated");
      expect(world.named("db").durable["power"]).toBe("off");
      expect(violations(world)).toEqual([]);
    }
  });

  it("is noticed where a reader goes on with zeros (canary)", () => {
    const { world } = damaged(
      (each) => fileOf(each).writeBytes(200, new Uint8Array(512).fill(7)),
      "eager",
      { careless: "zeroFills" },
    );
    expect(violations(world).join()).toMatch(/is not what ck has/);
  });
});

describe("at every event of a short scenario", () => {
  it("a checkpoint can be begun", () => {
    const document = documentOf([{ ...SAVE, ...SMALL, atMs: 1_199 }], 100_000);
    const world = builderOf(document).build({ seed: 1 });
    world.run({ untilNs: fromMs(12) });
    let image = captureWorld(world);
    const outcomes = new Map<string, number>();
    const driver = world.named("driver");
    const isExhaustive = process.env["ORRERY_EXHAUSTIVE"] !== undefined;
    for (let event = 0; event < 240; event++) {
      restoreWorld(world, image);
      world.run({ untilEvent: world.eventCount + 1 });
      image = captureWorld(world);
      if (event % 8 !== 0 && !isExhaustive) continue;
      world.hooks.onNotice = ({ kind, data }) => {
        if (kind !== "operation-end" || data["id"] !== "ck") return;
        const outcome = data["outcome"] as string;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      };
      world.schedule(driver, 0, "entry", 0);
      world.run({ untilNs: world.timeNs + fromMs(60) });
      expect(violations(world), `event ${event}`).toEqual([]);
      world.hooks = {};
    }
    expect([...outcomes.keys()]).toEqual(["complete"]);
  }, 120_000);
});

describe("with a machine lost at any step", () => {
  const OLD = { ...SAVE, ...SMALL, id: "old", atMs: 40, withDisks: false } as const;
  const NEW = { ...SAVE, ...SMALL, id: "new", atMs: 100 } as const;

  const UNPROTECTED = { writeCacheMiB: 64, writeCacheProtected: false } as const;

  it.each([
    ["alpha", "as it is", {}],
    ["array", "as it is", {}],
    ["array", "whose cache goes with its power", UNPROTECTED],
  ])(
    "saving leaves the old checkpoint or the new one (%s, %s)",
    (domain, _name, cache) => {
      const whole = documentOf([OLD, NEW]);
      const arrays = whole.arrays!.map((array) => ({ ...array, ...cache }));
      const document = { ...whole, arrays, durationMs: 6_000 };
      const world = builderOf(document).build({ seed: 1 });
      world.run({ untilNs: fromMs(100) - 1 });
      const points = crashPoints(world, fromMs(300), (id) => /^new(\.|$)/.test(id));
      expect(points.length).toBeGreaterThan(20);
      const seen = new Set<string>();
      const some = sampled(points, domain === "alpha" ? 5 : 12);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crash(world, domain);
        world.run({ untilNs: world.timeNs + fromMs(300) });
        if (domain === "array") world.restart(world.registry.domainNamed(domain)!);
        world.run({ untilNs: fromMs(6_000) });
        expectRunning(world, "db", where);
        if (domain === "alpha") expect(intentsOf(world), where).toEqual([]);
        const files = volumesOf(world).filter((name) => name.endsWith(".memory"));
        if (domain === "alpha") expect(files, where).toHaveLength(1);
        seen.add(files.join());
      });
      expect([...seen]).toContain("db.new.memory");
      expect([...seen]).toContain("db.old.memory");
    },
    120_000,
  );

  it.each(["alpha", "array"])(
    "restoring leaves a VM that runs (%s)",
    (domain) => {
      const back = { ...restore("lazy", 1), restartAfterMs: undefined };
      const document = {
        ...documentOf([{ ...SAVE, ...SMALL, withDisks: true }, OFF, back as never]),
        durationMs: 6_000,
      };
      const world = builderOf(document).build({ seed: 1 });
      world.run({ untilNs: fromMs(220) - 1 });
      const points = crashPoints(world, fromMs(500), (id) => /^back(\.|$)/.test(id));
      const some = sampled(points, 9);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crashFor(world, domain, 300);
        world.run({ untilNs: fromMs(6_000) });
        expect(violations(world), where).toEqual([]);
        expect(filesOf(world), where).toContain("db.checkpoints");
        expect(volumesOf(world), where).toContain("db.ck.memory");
      });
    },
    120_000,
  );
});
