/**
 * Chains of incremental checkpoints that become one file while the VM runs and goes on being saved. That
 * the one file is the memory of its instant, whenever the catalog names it, and that nothing is missing
 * that something stands on, is checked by core/checkpoints/invariants.ts.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import {
  afterEach,
  crash,
  crashPoints,
  expectRunning,
  intentsOf,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import {
  catalogOf,
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

const FEW = 3_000;
const saveAt = (id: string, atMs: number, more: object = {}) =>
  ({ ...SAVE, ...SMALL, id, atMs, base: "last", ...more }) as Entries[number];
const CHAIN = [saveAt("c1", 30), saveAt("c2", 60), saveAt("c3", 90, { withDisks: true })];
const mergeAt = (atMs: number, more: object = {}) =>
  ({ id: "one", atMs, do: "merge-checkpoints", vm: "db", on: "array", ...more }) as Entries[number];

const sortedFiles = (world: World): string[] => memoryFiles(world).sort();

describe("a chain of checkpoints", () => {
  it.each(["lazy", "eager"] as const)("becomes one file, from which %s restores", (by) => {
    const { world, ended } = run(documentOf([...CHAIN, mergeAt(120), OFF, restore(by)], FEW));
    expect(ended["one"]).toMatchObject({
      outcome: "complete",
      figures: { mergedFiles: 3, droppedFiles: 3 },
    });
    const { reads, storageBlocks, copiedBlocks } = ended["one"]!.figures as never;
    expect(storageBlocks).toBe(128);
    expect(copiedBlocks).toBeGreaterThan(10);
    expect(copiedBlocks).toBeLessThan(110);
    expect(reads).toBeGreaterThan(128);
    expect(ended["back"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
    expect(sortedFiles(world)).toEqual(["db.c3+merged.memory"]);
    expect(catalogOf(world).merging).toBeUndefined();
    expectRunning(world, "db", by);
    expect(intentsOf(world)).toEqual([]);
  });

  it("can be saved on while it becomes one, and after it", () => {
    const off = { ...OFF, atMs: 400 };
    const back = { ...restore("lazy"), atMs: 420 };
    const last = saveAt("c5", 250, { withDisks: true });
    const more = [saveAt("c4", 125), mergeAt(120), last, off, back];
    const { world, ended } = run(documentOf([...CHAIN, ...more], FEW));
    expect(ended["one"]!.outcome).toBe("complete");
    for (const id of ["c4", "c5"]) {
      expect(ended[id]).toMatchObject({ outcome: "complete", figures: { isFull: false } });
    }
    expect(ended["back"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
    const chain = ["db.c3+merged.memory", "db.c4.memory", "db.c5.memory"];
    expect(sortedFiles(world)).toEqual(chain);
    expectRunning(world, "db", "saved on");
  });

  it("is waited for by a checkpoint while the catalog changes, and by nobody in between", () => {
    for (const atMs of [120.5, 121, 121.5, 300]) {
      const entries = [...CHAIN, mergeAt(120), saveAt("c4", atMs)];
      const { world, ended } = run(documentOf(entries, FEW));
      for (const id of ["one", "c4"])
        expect(ended[id], `${id} ${atMs}`).toMatchObject({ outcome: "complete" });
      expectRunning(world, "db", `saved at ${atMs}`);
    }
  });

  it("waits for a restore that reads it, of a suspend that saved pages twice", () => {
    const on = { vm: "db", on: "array" };
    const timeline = [
      { ...SMALL, ...on, id: "sleep", atMs: 60, do: "suspend", workingSet: "traced", traceMs: 20 },
      { ...on, id: "wake", after: "sleep.complete", do: "resume", readsAtOnce: 1 },
      { ...SAVE, ...SMALL, id: "c1", atMs: undefined, after: "wake.goesOn", withDisks: true },
      { ...mergeAt(0), atMs: undefined, after: "c1.complete" },
      { ...OFF, atMs: 500 },
      { ...restore("lazy"), atMs: 520 },
    ];
    const { world, ended } = run(documentOf(JSON.parse(JSON.stringify(timeline)) as never, FEW));
    expect(ended["c1"]!.figures["residualPages"]!).toBeGreaterThan(20);
    for (const id of ["wake", "one", "back"])
      expect(ended[id], id).toMatchObject({ outcome: "complete" });
    expect(ended["one"]!.figures["mergedFiles"]).toBe(2);
    expect(sortedFiles(world)).toEqual(["db.c1+merged.memory"]);
    expectRunning(world, "db", "waited");
  });

  it("keeps what is wanted, and what another one stands on", () => {
    const kept = run(documentOf([...CHAIN, mergeAt(120, { keepOlder: true })], FEW));
    const files = ["db.c1.memory", "db.c2.memory", "db.c3+merged.memory"];
    expect(sortedFiles(kept.world)).toEqual(files);
    const named = [...CHAIN, mergeAt(120, { checkpoint: "c2" }), OFF, restore("lazy")];
    const middle = run(documentOf(named, FEW));
    expect(sortedFiles(middle.world)).toEqual(["db.c2+merged.memory", "db.c3.memory"]);
    expect(middle.ended["back"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
    for (const { world } of [kept, middle]) expectRunning(world, "db", "kept");
  });

  it("is refused where there is none, and left as it is where it is damaged", () => {
    const outcome = (entries: Entries) => run(documentOf(entries, FEW)).ended["one"]!.outcome;
    expect(outcome([mergeAt(120)])).toBe("no-checkpoint");
    expect(outcome([saveAt("c1", 40), mergeAt(120)])).toBe("nothing-to-merge");
    expect(outcome([...CHAIN, { ...OFF, atMs: 110 }, mergeAt(120)])).toBe("vm-off");
    for (const [file, sector, code] of [
      ["c1", 0, "not-a-checkpoint"],
      ["c2", 8, "damaged"],
      ["c1", 9, "damaged"],
    ] as const) {
      const world = builderOf(documentOf([...CHAIN, mergeAt(120)], FEW)).build({ seed: 1 });
      world.run({ untilNs: fromMs(119) });
      const volume = world.contents.get(`array#volume:db.${file}.memory`)!;
      volume.writeBytes(sector, new Uint8Array(512).fill(7));
      let end = {};
      world.hooks.onNotice = ({ kind, data }) => {
        if (kind === "operation-end" && data["id"] === "one") end = data;
      };
      world.run({ untilNs: fromMs(400) });
      expect(end).toMatchObject({ outcome: code });
      expect(sortedFiles(world)).toEqual(["db.c1.memory", "db.c2.memory", "db.c3.memory"]);
      expect(catalogOf(world).merging).toBeUndefined();
      expect(intentsOf(world)).toEqual([]);
    }
  });

  it("that is put together of the wrong files, or given up too early, is found (canaries)", () => {
    const entries = [...CHAIN, mergeAt(120)];
    const oldest = run(documentOf(entries, FEW), { at: "one", careless: "takesOldest" });
    expect(violations(oldest.world).join()).toMatch(/of db in c3 is not of its instant/);
    const early = run(documentOf(entries, FEW), { at: "one", careless: "dropsFirst" });
    expect(violations(early.world).join()).toMatch(/counts, and db.c\d.memory is not there/);
  });
});

describe("with a machine lost at any step", () => {
  it.each(["alpha", "array"])(
    "there is the chain, or the one file (%s)",
    (domain) => {
      const entries = [...CHAIN, mergeAt(120)];
      const world = builderOf({ ...documentOf(entries, FEW), durationMs: 6_000 }).build({
        seed: 1,
      });
      world.run({ untilNs: fromMs(120) - 1 });
      const points = crashPoints(world, fromMs(400), (id) => /^one(\.|$)/.test(id));
      // The many storage blocks in the middle are alike.
      const isLoop = ({ at }: { at: string }) => /^(nextGroup|gather|writeGroup)$/.test(at);
      const some = [
        ...sampled(
          points.filter((each) => !isLoop(each)),
          domain === "alpha" ? 3 : 6,
        ),
        ...sampled(points.filter(isLoop), 150),
      ].sort((a, b) => a.event - b.event);
      expect(some.length).toBeGreaterThan(8);
      const seen = new Set<string>();
      afterEach(world, captureWorld(world), some, ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crash(world, domain);
        world.run({ untilNs: world.timeNs + fromMs(300) });
        if (domain === "array") world.restart(world.registry.domainNamed(domain)!);
        world.run({ untilNs: fromMs(6_000) });
        expectRunning(world, "db", where);
        if (domain === "array") return;
        expect(intentsOf(world), where).toEqual([]);
        expect(catalogOf(world).merging, where).toBeUndefined();
        seen.add(sortedFiles(world).join());
      });
      if (domain === "array") return;
      const chain = "db.c1.memory,db.c2.memory,db.c3.memory";
      expect([...seen].sort()).toEqual([chain, "db.c3+merged.memory"]);
    },
    240_000,
  );
});
