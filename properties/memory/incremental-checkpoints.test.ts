/**
 * Checkpoints that stand on older ones: what is written, when everything has to be, how they come back,
 * with a machine lost at every step and with damage anywhere in the chain. That each is the memory of its
 * instant, whichever files it lies in, is checked by core/checkpoints/invariants.ts.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
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
} from "../testing/crash-points.ts";
import {
  documentOf,
  type Entries,
  memoryFiles,
  OFF,
  restore,
  run,
  SAVE,
  SMALL,
} from "../testing/saved-memory.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** Few writes: between two checkpoints a small part of memory is dirtied. */
const FEW = 3_000;
const saveAt = (id: string, atMs: number, more: object = {}) =>
  ({ ...SAVE, ...SMALL, id, atMs, base: "last", ...more }) as Entries[number];
const CHAIN = [saveAt("c1", 40), saveAt("c2", 90), saveAt("c3", 140, { withDisks: true })];

describe("a checkpoint with a base", () => {
  it.each(["lazy", "copy-aside", "redirect", "stop-and-copy"] as const)(
    "saves by %s only what was written since, and comes back through the chain",
    (method) => {
      const chain = CHAIN.map((each) => ({ ...each, method }) as Entries[number]);
      for (const by of method === "lazy" ? (["lazy", "eager"] as const) : (["lazy"] as const)) {
        const { world, ended } = run(documentOf([...chain, OFF, restore(by)], FEW));
        expect(ended["c1"]).toMatchObject({ outcome: "complete", figures: { isFull: true } });
        for (const id of ["c2", "c3"]) {
          const { outcome, figures } = ended[id]!;
          expect({ outcome, isFull: figures["isFull"] }, id).toEqual({
            outcome: "complete",
            isFull: false,
          });
          // 50 ms of 3000 writes a second, and what devices wrote.
          expect(figures["savedBlocks"]!, id).toBeGreaterThan(50);
          expect(figures["savedBlocks"]!, id).toBeLessThan(400);
          expect(figures["fileBytes"]!).toBeLessThan(ended["c1"]!.figures["fileBytes"]! / 2);
        }
        expect(ended["back"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
        expect(violations(world)).toEqual([]);
        expectRunning(world, "db", method);
        expect(intentsOf(world)).toEqual([]);
        expect(memoryFiles(world)).toEqual(["db.c1.memory", "db.c2.memory", "db.c3.memory"]);
      }
    },
  );

  it("is whole after a restore, a restart and at the end of a chain, and older files go then", () => {
    const again = saveAt("c4", 300);
    const { world, ended } = run(documentOf([...CHAIN, OFF, restore("eager"), again], FEW));
    expect(ended["c4"]).toMatchObject({ outcome: "complete", figures: { isFull: true } });
    expect(memoryFiles(world)).toEqual(["db.c4.memory"]);
    const short = CHAIN.map((each) => ({ ...each, longestChain: 2 }) as Entries[number]);
    const ended2 = run(documentOf(short, FEW));
    expect(ended2.ended["c2"]!.figures).toMatchObject({ isFull: false });
    expect(ended2.ended["c3"]!.figures).toMatchObject({ isFull: true });
    expect(memoryFiles(ended2.world)).toEqual(["db.c3.memory"]);
    expect([...violations(world), ...violations(ended2.world)]).toEqual([]);
  });

  it("stands on the one that is named, which stays, as long as it is needed", () => {
    const named = [
      saveAt("c1", 40),
      saveAt("c2", 90, { keepOlder: true }),
      saveAt("c3", 140, { base: "c1", withDisks: true }),
    ];
    const { world, ended } = run(documentOf([...named, OFF, restore("lazy")], FEW));
    expect(ended["c3"]).toMatchObject({ outcome: "complete", figures: { isFull: false } });
    expect(ended["back"]).toMatchObject({ outcome: "complete" });
    expect(memoryFiles(world)).toEqual(["db.c1.memory", "db.c3.memory"]);
    expect(violations(world)).toEqual([]);
    const none = run(documentOf([saveAt("c1", 40, { base: "c9" })], FEW));
    expect(none.ended["c1"]).toMatchObject({ outcome: "no-base" });
    expectRunning(none.world, "db", "no base");
  });

  it("without a page that was written is found (canary)", () => {
    const { world } = run(documentOf(CHAIN, FEW), { at: "c2", careless: "losesDirty" });
    expect(violations(world).join()).toMatch(/of db in c2 is not of its instant/);
  });
});

describe("damage in a chain", () => {
  function restored(damage: (world: World) => void, method: "lazy" | "eager") {
    const world = builderOf(documentOf([...CHAIN, OFF, restore(method)], FEW)).build({ seed: 1 });
    world.run({ untilNs: fromMs(215) });
    damage(world);
    let end = { outcome: "", detail: "" };
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end" && data["id"] === "back") {
        end = { outcome: String(data["outcome"]), detail: String(data["detail"]) };
      }
    };
    world.run({ untilNs: fromMs(600) });
    return { world, ...end };
  }
  const file = (world: World, id: string) => world.contents.get(`array#volume:db.${id}.memory`)!;
  const overwrite = (id: string, sector: number) => (world: World) =>
    file(world, id).writeBytes(sector, new Uint8Array(512).fill(7));

  it("is one clear error, wherever it is, and nothing is changed by a restore that is refused", () => {
    for (const id of ["c1", "c2"]) {
      for (const sector of [0, 8]) {
        const { world, outcome, detail } = restored(overwrite(id, sector), "eager");
        expect(outcome).toBe(sector === 0 ? "not-a-checkpoint" : "damaged");
        expect(detail).toMatch(new RegExp(`^${id}, which it stands on: `));
        expect(world.named("db").durable["power"]).toBe("off");
        expect(memoryFiles(world)).toHaveLength(3);
      }
      for (const method of ["lazy", "eager"] as const) {
        const { world, outcome } = restored(overwrite(id, 9), method);
        expect(outcome, `${id} ${method}`).toBe("damaged");
        expect(world.named("db").durable["power"]).toBe("off");
      }
    }
  });

  it("another file in the place of a base is none", () => {
    const { outcome, detail } = restored((world) => {
      // Whole and of this machine, but not what c3 was made on.
      file(world, "c2").restore(file(world, "c1").capture());
    }, "lazy");
    expect({ outcome, detail }).toMatchObject({ outcome: "wrong-base" });
    expect(detail).toMatch(/^c2, which it stands on: c3 stands on another file/);
  });
});

describe("with a machine lost at any step", () => {
  const after = (id: string) => new RegExp(`^${id}(\\.|$)`);

  it.each(["alpha", "array"])(
    "an incremental checkpoint leaves the chain before or after it (%s)",
    (domain) => {
      const third = saveAt("c3", 140, { longestChain: 2 });
      const document = { ...documentOf([...CHAIN.slice(0, 2), third], FEW), durationMs: 6_000 };
      for (const id of ["c2", "c3"]) {
        const world = builderOf(document).build({ seed: 1 });
        const fromNs = fromMs(id === "c2" ? 90 : 140) - 1;
        world.run({ untilNs: fromNs });
        const points = crashPoints(world, fromNs + fromMs(45), (each) => after(id).test(each));
        expect(points.length).toBeGreaterThan(15);
        const seen = new Set<string>();
        const some = sampled(points, domain === "alpha" ? 7 : 11);
        afterEach(world, captureWorld(world), some, ({ at }) => {
          const where = `${domain} lost at ${at} of ${id}`;
          crash(world, domain);
          world.run({ untilNs: world.timeNs + fromMs(300) });
          if (domain === "array") world.restart(world.registry.domainNamed(domain)!);
          world.run({ untilNs: fromMs(6_000) });
          expectRunning(world, "db", where);
          expect(violations(world), where).toEqual([]);
          if (domain === "alpha") expect(intentsOf(world), where).toEqual([]);
          seen.add(memoryFiles(world).join());
        });
        // Either all that was there, or what counts now: a base is never missing.
        if (domain !== "alpha") continue;
        const before = id === "c2" ? "db.c1.memory" : "db.c1.memory,db.c2.memory";
        const then = id === "c2" ? "db.c1.memory,db.c2.memory" : "db.c3.memory";
        expect([...seen].sort()).toEqual([before, then].sort());
      }
    },
    240_000,
  );

  it.each(["alpha", "array"])(
    "restoring from a chain leaves every file of it (%s)",
    (domain) => {
      const document = { ...documentOf([...CHAIN, OFF, restore("lazy", 1)], FEW) };
      const world = builderOf({ ...document, durationMs: 6_000 }).build({ seed: 1 });
      world.run({ untilNs: fromMs(220) - 1 });
      const points = crashPoints(world, fromMs(500), (id) => after("back").test(id));
      afterEach(world, captureWorld(world), sampled(points, 9), ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crashFor(world, domain, 300);
        world.run({ untilNs: fromMs(6_000) });
        expect(violations(world), where).toEqual([]);
        expect(filesOf(world), where).toContain("db.checkpoints");
        expect(memoryFiles(world), where).toHaveLength(3);
      });
    },
    120_000,
  );
});
