/** An index over files finds what reading all of them finds, whatever was done in between. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureWorld, restoreWorld, type WorldImage } from "../../kernel/index.ts";
import { addVolume, putFile, spawnArray } from "./array.ts";
import type { ArrayEntity } from "./array-state.ts";
import { FilesEnding, lastOtherEdit } from "./file-journal.ts";
import { deleteFile, writeFile } from "./metadata-files.ts";
import { newWorld } from "./testing/bench.ts";
import { MEDIUM } from "./testing/stacks.ts";

function newArray(): ArrayEntity {
  const world = newWorld({ seed: 1 });
  const domain = world.addDomain("array");
  const options = { ...MEDIUM, capacityBytes: 64 * 4096, grainBytes: 4096, cacheProtected: false };
  return spawnArray(world, { ...options, name: "array", domain });
}

const readAll = ({ durable }: ArrayEntity): string[] =>
  Object.keys(durable.files).filter((key) => key.endsWith(".x"));

const step = fc.tuple(
  fc.constantFrom("write", "delete", "volume", "by hand", "capture", "restore"),
  fc.constantFrom("a.x", "b.x", "c.y", "d.x"),
);

describe("an index over the files of an array", () => {
  it("names those that reading all of them names, in that order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const array = newArray();
        const index = new FilesEnding(".x");
        let kept: WorldImage | undefined;
        steps.forEach(([what, name], at) => {
          if (what === "write") writeFile(array, { name, value: at });
          else if (what === "delete") deleteFile(array, { name });
          else if (what === "volume") addVolume(array, `volume-${at}`, 8);
          else if (what === "by hand") array.editDurable().files[`file:${name}`] = { version: at };
          else if (what === "capture") kept = captureWorld(array.world);
          else if (kept !== undefined) restoreWorld(array.world, kept);
          if (at % 3 !== 0) expect(index.keysOf(array)).toEqual(readAll(array));
        });
        expect(index.keysOf(array)).toEqual(readAll(array));
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it("tells an edit of volumes from one of files", () => {
    const array = newArray();
    addVolume(array, "one", 8);
    const edit = lastOtherEdit(array);
    putFile(array, "a.x", 1);
    expect(lastOtherEdit(array)).toBe(edit);
    addVolume(array, "two", 8);
    expect(lastOtherEdit(array)).toBeGreaterThan(edit);
  });
});
