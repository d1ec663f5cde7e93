/**
 * A disk grows while another operation of its VM begins, at every distance between the two and with
 * the host near to the array or far from it. Both end, one of them perhaps refused; whatever the
 * other planned for the smaller disk does not come to be; and operations after that find all in order.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  CRASHES_MS,
  expectRunning,
  intentsOf,
  outcomesOf,
  violations,
} from "../testing/crash-points.ts";
import { runningMiB } from "../testing/disk-size.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const isExhaustive = process.env["ORRERY_EXHAUSTIVE"] !== undefined;

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];

const START_MS = 60;
const LATER_MS = 2_000;
const DB = { id: "op", vm: "db" } as const;

const OPERATIONS: readonly (readonly ["redo" | "cow", Entry])[] = [
  ["redo", { ...DB, do: "snapshot" }],
  ["cow", { ...DB, do: "snapshot" }],
  ["redo", { ...DB, do: "consolidate", point: "first" }],
  ["cow", { ...DB, do: "delete-snapshot", point: "first" }],
  ["redo", { ...DB, do: "backup", to: "vault", copyKiB: 512 }],
  ["cow", { ...DB, do: "backup", to: "vault", copyKiB: 512 }],
  ["redo", { ...DB, do: "clone", as: "other", format: "redo" }],
  ["cow", { ...DB, do: "clone", as: "other", format: "cow" }],
];

/** Of the array; and from when to when the other begins, with all that a growth takes between. */
const DISTANCES = [
  { latencyUs: 20, from: -1, to: 2, step: 0.4 },
  { latencyUs: 700, from: -4, to: 14, step: 0.9 },
] as const;

type Distance = Pick<(typeof DISTANCES)[number], "latencyUs">;

function worldOf(
  [kind, operation]: (typeof OPERATIONS)[number],
  delayMs: number,
  { latencyUs }: Distance,
): World {
  const small = smallDatacenter();
  const [array] = small.arrays!;
  const [db] = small.vms!;
  const again = kind === "redo" ? "consolidate" : "delete-snapshot";
  const document = {
    ...small,
    arrays: [
      { ...array!, kind: "cow" },
      { ...array!, id: "vault" },
    ],
    links: [
      { between: ["alpha", "array"], latencyUs },
      { between: ["alpha", "vault"] },
      { between: ["beta", "array"] },
    ],
    vms: [
      {
        ...db!,
        guest: shortWork({ bootMs: 5, durationMs: 80, thinkTimeUs: 4_000, readPercent: 30 }),
        disks: db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 })),
      },
    ],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "grow", atMs: START_MS, do: "grow-disk", vm: "db", disk: "data", toMiB: 16 },
      { ...operation, atMs: START_MS + delayMs },
      { id: "after", atMs: LATER_MS, do: "snapshot", vm: "db" },
      { id: "merged", atMs: LATER_MS + 150, do: again, vm: "db", point: "after" },
      { id: "more", atMs: LATER_MS + 300, do: "grow-disk", vm: "db", disk: "data", toMiB: 24 },
      { id: "last", atMs: LATER_MS + 450, do: "restart", vm: "db", host: "beta" },
    ],
  } as ScenarioDocument;
  return builderOf(document).build({ seed: 1 + Math.floor(Math.abs(delayMs)) });
}

function expectInOrder(world: World, where: string): string[] {
  const ended = outcomesOf(world);
  world.run({ untilNs: fromMs(LATER_MS) - 1 });
  expect(runningMiB(world), where).toBe(ended["grow"] === "complete" ? 16 : 8);
  world.run({ untilNs: fromMs(4_000) });
  world.finish();
  expect(violations(world), where).toEqual([]);
  expect(intentsOf(world), where).toEqual([]);
  const { after, merged, more, last, op, grow } = ended;
  const complete = { after: "complete", merged: "complete", more: "complete", last: "complete" };
  expect({ after, merged, more, last }, where).toEqual(complete);
  expectRunning(world, "db", where);
  return [op!, grow!];
}

describe.each(OPERATIONS.map((each) => [...each] as const))(
  "a disk that grows beside an operation on %s disks: %j",
  (...tried) => {
    it(
      "is grown or is not, the operation is done or is not, and nothing stays half done",
      () => {
        const complete = new Set<number>();
        for (const { from, to, step, ...distance } of DISTANCES) {
          for (let delayMs = from; delayMs < to; delayMs += isExhaustive ? step / 8 : step) {
            const world = worldOf(tried as never, delayMs, distance);
            const where = `${delayMs} ms after it, ${JSON.stringify(distance)}`;
            const outcomes = expectInOrder(world, where);
            complete.add(outcomes.filter((each) => each === "complete").length);
          }
        }
        expect([...complete]).toContain(2);
      },
      CRASHES_MS,
    );
  },
);
