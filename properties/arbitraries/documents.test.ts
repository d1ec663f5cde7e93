/** Documents from nothing: decided by their choices, varied, and ones that run. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { GENERATED, openSearched } from "../explorer/searched.ts";
import { runDocument } from "../explorer/run-document.ts";
import { chosen, seededChooser } from "./chooser.ts";
import { drawDocument } from "./documents.ts";
import { DISK_KINDS } from "./machines.ts";

const sizes = (
  disks: readonly { id: string; on: string; kind: string; sizeMiB: number }[],
): string => disks.map(({ id, on, kind, sizeMiB }) => `${id} ${on} ${kind} ${sizeMiB}`).join();

it("are decided by their choices and differ in every part", () => {
  expect(drawDocument(seededChooser(1, 5))).toEqual(drawDocument(seededChooser(1, 5)));
  const drawn = Array.from({ length: 120 }, (_, run) => drawDocument(seededChooser(1, run)));
  const seen = (of: (each: (typeof drawn)[number]) => unknown): number =>
    new Set(drawn.map((each) => JSON.stringify(of(each)))).size;
  expect(seen(({ hosts }) => hosts.length)).toBe(3);
  expect(seen(({ arrays }) => arrays.map(({ kind }) => kind))).toBeGreaterThan(4);
  expect(seen(({ vms }) => vms.map(({ disks }) => disks.map(({ kind }) => kind)))).toBeGreaterThan(
    9,
  );
  const kinds = drawn.flatMap(({ vms }) =>
    vms.flatMap(({ disks }) => disks.map(({ kind }) => kind)),
  );
  expect(new Set(kinds)).toEqual(new Set(DISK_KINDS));
  const has = (part: (vm: (typeof drawn)[number]["vms"][number]) => unknown): number =>
    drawn.filter(({ vms }) => vms.some((vm) => part(vm))).length;
  const phasesOf = (guest: unknown) =>
    (guest as { phases: { memory?: unknown; network: readonly unknown[] }[] }).phases;
  expect(has(({ disks }) => disks.some(({ on }) => on.includes("/")))).toBeGreaterThan(3);
  expect(has(({ protection }) => protection)).toBeGreaterThan(3);
  expect(has(({ guest }) => "integrity" in guest && guest.integrity)).toBeGreaterThan(3);
  expect(has(({ guest }) => phasesOf(guest)[0]!.memory)).toBeGreaterThan(9);
  expect(has(({ guest }) => phasesOf(guest)[0]!.network.length > 0)).toBeGreaterThan(3);
  expect(has(({ guest }) => phasesOf(guest).length > 2)).toBeGreaterThan(3);
  expect(has(({ onAlert }) => onAlert !== undefined && onAlert.do !== "log")).toBeGreaterThan(3);
  expect(
    has(({ protection }) => protection !== undefined && protection.maxLagMs < 5),
  ).toBeGreaterThan(3);
  // One VM can become a clone of another.
  const twins = drawn.filter(({ vms: [first, ...others] }) =>
    others.some(({ disks }) => sizes(disks) === sizes(first!.disks)),
  );
  expect(twins.length).toBeGreaterThan(9);
  expect(drawn.filter(({ hosts }) => hosts.some((each) => each.evacuation)).length).toBeGreaterThan(
    3,
  );
});

it("are all accepted", () => {
  for (let run = 0; run < 1_500; run++) drawDocument(seededChooser(2, run));
}, 60_000);

it("as an arbitrary they run without a violation", async () => {
  const opened = await openSearched(GENERATED, []);
  if (!opened.ok) throw new Error(opened.problems[0]!.message);
  const property = fc.property(chosen(drawDocument), (document) => {
    expect(runDocument(opened.scenario, document).violations).toEqual([]);
  });
  fc.assert(property, { numRuns: 12, seed: 1 });
}, 60_000);
