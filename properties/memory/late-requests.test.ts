/**
 * Each request that saving or restoring memory makes of an array comes late, or its answer does, or
 * either is lost with its connection: the operation learns of none of it in time. It ends all the
 * same. After it the VM can be saved, its chain merged, and what was saved be gone back to; the
 * catalog names all files of memory that there are, and no others, and no intent is left.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import { CRASHES_MS, expectRunning, intentsOf, metadataOf } from "../testing/crash-points.ts";
import { SETTLED_MS, tryEachFate } from "../testing/late-messages.ts";
import {
  catalogOf,
  documentOf,
  type Entries,
  memoryFiles,
  OFF,
  restore,
  SAVE,
  SMALL,
} from "../testing/saved-memory.ts";
import { builderOf } from "../testing/small-datacenter.ts";

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
  [
    "an incremental checkpoint",
    [saveAt("c1", 30, { base: "last" })],
    saveAt("op", 90, { base: "last" }),
    [],
    4,
  ],
  [
    "a merge",
    [saveAt("c1", 30, { base: "last" }), saveAt("c2", 60, { base: "last" })],
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

describe.each(OPERATIONS)("%s", (_name, before, operation, next, every) => {
  it(
    "ends, and leaves nothing behind, whatever message is late or lost",
    () => {
      const document = documentOf([...before, operation, ...next, ...AFTER], FEW);
      const world = builderOf({ ...document, durationMs: END_MS }).build({ seed: 1 });
      world.run({ untilNs: fromMs(operation.atMs!) - 1 });
      tryEachFate(world, {
        array: "array",
        every,
        settled: (outcome) => `${outcome} ${metadataOf(world)}`,
        goOn(outcomes, where) {
          world.run({ untilNs: fromMs(END_MS) });
          const { after, merged, back } = outcomes;
          expect({ after, back }, where).toEqual({ after: "complete", back: "complete" });
          // A checkpoint that did not come about leaves nothing below the one after it.
          expect(["complete", "nothing-to-merge"], where).toContain(merged);
          expect(intentsOf(world), where).toEqual([]);
          const named = catalogOf(world).checkpoints.map(({ volume }) => volume);
          expect(memoryFiles(world).sort(), where).toEqual(named.sort());
          expectRunning(world, "db", where);
        },
      });
    },
    CRASHES_MS,
  );
});
