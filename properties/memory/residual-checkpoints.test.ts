/**
 * Checkpoints of machines whose restore is still lazy: pages that are not there stay in the file that is
 * being restored, and the new one stands on it. That it is the memory of its instant, in whichever files
 * that lies, is checked by core/checkpoints/invariants.ts.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs } from "../../core/kernel/index.ts";
import {
  afterEach,
  crashFor,
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

const METHODS = ["stop-and-copy", "copy-aside", "redirect", "lazy"] as const;
/** Few accesses: most pages are absent for long. */
const FEW = 3_000;
const FIRST = { ...SAVE, ...SMALL, withDisks: true } as Entries[number];

/** A checkpoint soon after the machine goes on. */
const again = (more: object = {}, after = "back.goesOn") =>
  ({
    ...SMALL,
    id: "again",
    after,
    delayMs: 4,
    do: "checkpoint",
    vm: "db",
    on: "array",
    ...more,
  }) as Entries[number];
const offAt = (id: string, atMs: number) => ({ ...OFF, id, atMs }) as Entries[number];
const backAt = (id: string, atMs: number, more: object) =>
  ({ ...restore("lazy", 0), id, atMs, ...more }) as Entries[number];

describe("a checkpoint of a machine whose restore is lazy", () => {
  const by = (method: string) => (/stop|lazy/.test(method) ? "deferred" : "lazy");
  it.each(METHODS.map((method) => [method, by(method)] as const))(
    "by %s leaves absent pages where they are (%s)",
    (method, by) => {
      const { world, ended } = run(
        documentOf(
          [
            FIRST,
            OFF,
            backAt("back", 220, { method: by }),
            again({ method, withDisks: true }),
            offAt("off2", 420),
            backAt("back2", 440, { checkpoint: "again", method: by }),
            again({ id: "third", method, delayMs: 6, withDisks: true }, "back2.goesOn"),
            offAt("off3", 640),
            backAt("back3", 660, { checkpoint: "third", method: "eager" }),
          ],
          FEW,
        ),
      );
      for (const id of ["again", "third"]) {
        expect(ended[id], id).toMatchObject({ outcome: "complete" });
        const { residualPages, savedBlocks } = ended[id]!.figures;
        expect(residualPages!, id).toBeGreaterThan(200);
        expect(residualPages! + savedBlocks!, id).toBe(1_024);
      }
      expect(
        catalogOf(world).checkpoints.map(({ checkpoint, base }) => [checkpoint, base]),
      ).toEqual([
        ["ck", null],
        ["again", "ck"],
        ["third", "again"],
      ]);
      expect(ended["back3"]).toMatchObject({ outcome: "complete", figures: { runs: true } });
      expectRunning(world, "db", method);
      expect(intentsOf(world)).toEqual([]);
    },
  );

  it("of a machine that was suspended keeps its file for that alone, until nobody needs it", () => {
    const sleep = { ...SMALL, do: "suspend", vm: "db", on: "array" };
    const traced = { workingSet: "traced", traceMs: 20 };
    const wake = { do: "resume", vm: "db", on: "array", readsAtOnce: 1, method: "working-set" };
    const timeline = [
      { ...sleep, ...traced, id: "sleep", atMs: 60 },
      { ...wake, id: "wake", after: "sleep.complete" },
      again({}, "wake.goesOn"),
      // A suspend while the restore goes on, of which part is read in the background.
      { ...sleep, ...traced, id: "nap", after: "wake.goesOn", delayMs: 60 },
      { ...wake, id: "rise", after: "nap.complete", readsAtOnce: 0 },
      { ...sleep, id: "doze", after: "rise.goesOn", delayMs: 10 },
      { ...wake, id: "up", after: "doze.complete" },
    ];
    const { world, ended } = run(documentOf(timeline as never, FEW));
    for (const id of ["again", "doze"]) {
      expect(ended[id], id).toMatchObject({ outcome: "complete" });
      expect(ended[id]!.figures["residualPages"]!, id).toBeGreaterThan(20);
    }
    expect(ended["up"]).toMatchObject({ outcome: "complete" });
    expectRunning(world, "db", "up");
    expect(memoryFiles(world)).toEqual([]);
    expect(intentsOf(world)).toEqual([]);
  });

  it("stands on nothing when all pages have come by its instant", () => {
    // The working set is traced for long, and pages come meanwhile.
    const nap = { ...SMALL, id: "nap", after: "back.goesOn", delayMs: 1, do: "suspend" };
    const slow = { ...nap, vm: "db", on: "array", workingSet: "traced", traceMs: 300 };
    const { world, ended } = run(
      documentOf([FIRST, OFF, backAt("back", 220, { readsAtOnce: 2 }), slow as never], FEW),
    );
    expect(ended["nap"]).toMatchObject({ outcome: "complete" });
    expect(ended["nap"]!.figures["residualPages"]).toBeUndefined();
    expect(catalogOf(world).checkpoints.map(({ checkpoint, base }) => [checkpoint, base])).toEqual([
      ["nap", null],
    ]);
    expect(violations(world)).toEqual([]);
  });

  it("waits for its pages where their file is not at hand, or the chain is long", () => {
    const elsewhere = again({ on: "other" });
    const long = again({ base: "last", longestChain: 1 });
    for (const entry of [elsewhere, long]) {
      const document = documentOf([FIRST, OFF, backAt("back", 220, {}), entry], FEW);
      const { world, ended } = run({
        ...document,
        arrays: [...document.arrays!, { id: "other" }],
        links: [...document.links!, { between: ["alpha", "other"] }],
      });
      expect(ended["again"]).toMatchObject({ outcome: "complete" });
      expect(ended["again"]!.figures).toMatchObject({ savedBlocks: 256 });
      expectRunning(world, "db", JSON.stringify(entry));
    }
  });

  it("is refused as a way back when the machine has gone on from it", () => {
    const sleep = { ...SMALL, id: "sleep", atMs: 60, do: "suspend", vm: "db", on: "array" };
    const wake = { id: "back", after: "sleep.complete", do: "resume", vm: "db", on: "array" };
    const twice = backAt("twice", 720, { checkpoint: "sleep" });
    const lazily = { ...wake, method: "lazy", readsAtOnce: 1 };
    const timeline = [sleep, lazily, again({}), offAt("off", 700), twice];
    const { world, ended } = run(documentOf(timeline as never, FEW));
    expect(ended["twice"]).toMatchObject({ outcome: "spent" });
    expect(catalogOf(world).checkpoints).toMatchObject([
      { checkpoint: "sleep", isSpent: true },
      {},
    ]);
    expect(violations(world)).toEqual([]);
  });

  it("with pages that are not there is noticed (canary)", () => {
    const timeline = [FIRST, OFF, backAt("back", 220, {}), again({})];
    const planted = { at: "again", careless: "savesAbsent" };
    const { world } = run(documentOf(timeline, FEW), planted, 400);
    expect(violations(world).join()).toMatch(/in again is not of its instant/);
  });
});

describe("with a machine lost at any step of such a checkpoint", () => {
  it.each(["alpha", "array"])(
    "each that counts is whole, with what it stands on (%s)",
    (domain) => {
      const sleep = { ...SMALL, id: "sleep", atMs: 60, do: "suspend", vm: "db", on: "array" };
      const wake = { id: "back", after: "sleep.complete", do: "resume", vm: "db", on: "array" };
      const lazily = { ...wake, method: "lazy", readsAtOnce: 1 };
      const timeline = [sleep, lazily, again({ method: "copy-aside" })] as never;
      const document = { ...documentOf(timeline, FEW), durationMs: 6_000 };
      const world = builderOf(document).build({ seed: 1 });
      world.run({ untilNs: fromMs(72) });
      const points = crashPoints(world, fromMs(600), (id) => /^(again|back)(\.|$)/.test(id));
      expect(points.length).toBeGreaterThan(20);
      const seen = new Set<string>();
      afterEach(world, captureWorld(world), sampled(points, 24), ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crashFor(world, domain, 300);
        world.run({ untilNs: fromMs(6_000) });
        expect(violations(world), where).toEqual([]);
        const catalog = catalogOf(world).checkpoints;
        for (const { base } of catalog) {
          const stands = base === null || catalog.some(({ checkpoint }) => checkpoint === base);
          expect(stands, where).toBe(true);
        }
        const files = memoryFiles(world).sort();
        expect(files, where).toEqual(catalog.map(({ volume }) => volume).sort());
        seen.add(files.join());
      });
      expect([...seen]).toContain("db.again.memory,db.sleep.memory");
    },
    120_000,
  );
});
