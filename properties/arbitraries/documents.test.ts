/** Documents from nothing: decided by their choices, varied, and ones that run. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { GENERATED, openSearched } from "../explorer/searched.ts";
import { runDocument } from "../explorer/run-document.ts";
import { chosen, seededChooser } from "./chooser.ts";
import { drawDocument } from "./documents.ts";

it("are decided by their choices and differ in every part", () => {
  expect(drawDocument(seededChooser(1, 5))).toEqual(drawDocument(seededChooser(1, 5)));
  const drawn = Array.from({ length: 60 }, (_, run) => drawDocument(seededChooser(1, run)));
  const seen = (of: (each: (typeof drawn)[number]) => unknown): number =>
    new Set(drawn.map((each) => JSON.stringify(of(each)))).size;
  expect(seen(({ hosts }) => hosts.length)).toBe(3);
  expect(seen(({ arrays }) => arrays.map(({ kind }) => kind))).toBeGreaterThan(4);
  expect(seen(({ vms }) => vms.map(({ disks }) => disks.map(({ kind }) => kind)))).toBeGreaterThan(
    9,
  );
});

it("as an arbitrary they run without a violation", async () => {
  const opened = await openSearched(GENERATED, []);
  if (!opened.ok) throw new Error(opened.problems[0]!.message);
  const property = fc.property(chosen(drawDocument), (document) => {
    expect(runDocument(opened.scenario, document).violations).toEqual([]);
  });
  fc.assert(property, { numRuns: 12, seed: 1 });
}, 60_000);
