/**
 * Each request that saving or restoring memory makes of an array comes late, or its answer does, or
 * either is lost with its connection: the operation learns of none of it in time. It ends all the
 * same. After it the VM can be saved, its chain merged, and what was saved be gone back to; the
 * catalog names all files of memory that there are, and no others, and no intent is left.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import {
  CRASHES_MS,
  expectRunning,
  intentsOf,
  metadataOf,
  outcomesOf,
  sampled,
  volumesOf,
} from "../testing/crash-points.ts";
import { type Fate, requestsUntil, runWith } from "../testing/late-messages.ts";
import { documentOf, type Entries, OFF, restore, SAVE, SMALL } from "../testing/saved-memory.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const LATE_MS = 6_000;
/** Whatever was late has come by then, and what was lost was asked for again. */
const SETTLED_MS = 19_400;
const END_MS = 24_000;
const FEW = 2_000;

const saveAt = (id: string, atMs: number, more: object = {}) =>
  ({ ...SAVE, ...SMALL, id, atMs, ...more }) as Entries[number];
const ARRAY = { id: "op", vm: "db", on: "array" } as const;

/** Name, what is before it, the operation, what follows at once; every how manieth message is tried. */
type Tried = readonly [string, Entries, Entries[number], Entries, number];

const OPERATIONS: readonly Tried[] = [
  ["a checkpoint", [], saveAt("op", 60), [], 5],
  ["a checkpoint with disks", [], saveAt("op", 60, { withDisks: true }), [], 7],
  ["an incremental checkpoint", [saveAt("c1", 30)], saveAt("op", 90, { base: "last" }), [], 4],
  [
    "a merge",
    [saveAt("c1", 30), saveAt("c2", 60, { base: "last" })],
    { ...ARRAY, atMs: 90, do: "merge-checkpoints" },
    [],
    3,
  ],
  [
    "a suspend",
    [],
    { ...SMALL, ...ARRAY, atMs: 60, do: "suspend" },
    [{ ...ARRAY, id: "wake", atMs: SETTLED_MS + 100, do: "resume" }],
    4,
  ],
  [
    "a restore",
    [saveAt("c1", 30, { withDisks: true }), OFF],
    { ...restore("lazy"), id: "op", atMs: 220 },
    [],
    5,
  ],
];

/** After all of it: saved, merged, off, and back. */
const AFTER: Entries = [
  { id: "on", atMs: 20_000, do: "power-on", vm: "db" },
  saveAt("after", 20_400, { base: "last", withDisks: true }),
  { ...ARRAY, id: "merged", atMs: 21_000, do: "merge-checkpoints" },
  { ...OFF, id: "off-again", atMs: 22_000 },
  { ...restore("eager"), atMs: 22_100 },
];

const FATES: readonly Fate[] = ["request late", "answer late", "request lost", "answer lost"];

function unnamed(world: World): string[] {
  const { files } = world.named("array").durable as unknown as {
    readonly files: { readonly [key: string]: { readonly value?: { checkpoints: never } } };
  };
  const all = files["file:db.checkpoints"]?.value?.checkpoints ?? [];
  const named = all.map(({ volume }: { volume: string }) => volume);
  const there = volumesOf(world).filter((name) => name.endsWith(".memory"));
  return [...new Set([...named, ...there])].filter(
    (name) => !named.includes(name) || !there.includes(name),
  );
}

describe.each(OPERATIONS)("%s", (_name, before, operation, next, every) => {
  it(
    "ends, and leaves nothing behind, whatever message is late or lost",
    () => {
      const document = documentOf([...before, operation, ...next, ...AFTER], FEW);
      const world = builderOf({ ...document, durationMs: END_MS }).build({ seed: 1 });
      world.run({ untilNs: fromMs(operation.atMs!) - 1 });
      const image = captureWorld(world);
      const requests = requestsUntil(world, "array", "op", fromMs(SETTLED_MS));
      expect(requests.length).toBeGreaterThan(2);
      const cases = requests.flatMap((request) => FATES.map((fate) => ({ ...request, fate })));
      const known = new Set<string>();
      for (const { at, fate, verb, name } of sampled(cases, every)) {
        restoreWorld(world, image);
        const outcomes = outcomesOf(world);
        const where = `${fate}: ${verb} ${name}`;
        const untilNs = fromMs(SETTLED_MS);
        runWith(world, { array: "array", of: "op", at, fate, lateMs: LATE_MS, untilNs });
        expect(outcomes["op"], where).toBeDefined();
        const state = `${outcomes["op"]} ${metadataOf(world)}`;
        if (known.has(state)) continue;
        known.add(state);
        world.run({ untilNs: fromMs(END_MS) });
        const { after, merged, back } = outcomes;
        expect({ after, back }, where).toEqual({ after: "complete", back: "complete" });
        // A checkpoint that did not come about leaves nothing below the one after it.
        expect(["complete", "nothing-to-merge"], where).toContain(merged);
        expect(intentsOf(world), where).toEqual([]);
        expect(unnamed(world), where).toEqual([]);
        expectRunning(world, "db", where);
      }
    },
    CRASHES_MS,
  );
});
