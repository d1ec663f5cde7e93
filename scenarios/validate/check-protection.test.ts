/** What keeps a VM from being protected is told in one line, at its place. */
import { expect, it } from "vitest";
import type { ScenarioDocument } from "../schema/scenario.generated.ts";
import { formatProblem } from "./problem.ts";
import { validateDocument } from "./validate.ts";

type Change = {
  protection?: object;
  vm?: object;
  disk?: object;
  array?: object;
  links?: object[];
};

function problemsOf({ protection = {}, vm = {}, disk = {}, array = {}, links = [] }: Change) {
  const document = {
    name: "pair",
    durationMs: 10,
    hosts: ["alpha", "beta", "gamma"].map((id) => ({ id, cores: 1, memoryMiB: 64 })),
    arrays: [{ id: "array", ...array }],
    links: [
      { between: ["alpha", "array"] },
      { between: ["beta", "array"] },
      { between: ["alpha", "beta"] },
      ...links,
    ],
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 64,
        guest: { kind: "workload", phases: [{ name: "work", durationMs: 10 }] },
        disks: [{ id: "data", on: "array", sizeMiB: 8, ...disk }],
        protection: { kind: "log-replay", host: "beta", ...protection },
        ...vm,
      },
    ],
  } as unknown as ScenarioDocument;
  const checked = validateDocument(document, { file: "d" });
  return checked.ok ? [] : checked.problems.map(formatProblem);
}

const AT = "d /vms/0";

const cases: readonly (readonly [string, Change, string])[] = [
  ["by its own host", { protection: { host: "alpha" } }, `${AT}/protection/host: is the vm's own`],
  [
    "by nobody",
    { protection: { host: "delta" } },
    `${AT}/protection/host: nothing is named "delta"`,
  ],
  [
    "without a line",
    { protection: { host: "gamma" } },
    `${AT}/protection/host: has no link to alpha`,
  ],
  ["with two vcpus", { vm: { vcpus: 2 } }, `${AT}/protection: the vm has 2 vcpus`],
  ["without a disk", { vm: { disks: [] } }, `${AT}/protection: the vm has no disk`],
  ["write-back", { disk: { cacheMode: "writeback" } }, `${AT}/disks/0/cacheMode: is writeback`],
  [
    "by an array that forgets",
    { array: { writeCacheMiB: 1, writeCacheProtected: false } },
    `${AT}/disks/0/on: is array, whose write cache may be lost`,
  ],
];

it.each(cases)("protected %s", (_name, change, line) => {
  expect(problemsOf(change).map((each) => each.slice(0, line.length))).toContain(line);
});

it("protected as it should be", () => {
  expect(problemsOf({})).toEqual([]);
  const guest = { kind: "rv64", file: "any.elf" };
  expect(problemsOf({ vm: { guest, vcpus: 2 } })).toEqual([]);
});
