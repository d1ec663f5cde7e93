/**
 * A protected machine that is started while its disk is given back to an older state, or when it has
 * grown: its backup made ready before or after that. What it follows is what the machine began with, so
 * it goes on in the machine's place, and its guest finds what it was promised.
 */
import { expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { crash, isRunning, outcomesOf, violations } from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** A revert takes some 1.2 ms: the start from its begin to well after its end. */
const STEP_MS = 0.07;
const STARTS = 40;
const CHANGE_MS = 12;
const LOST_MS = 25;
const BLOCK = {
  pacing: "closed",
  disk: "data",
  thinkTimeUs: 300,
  readPercent: 20,
  regionMiB: 0.25,
};

const VM = { vm: "db" } as const;
const reverted = { id: "back", atMs: CHANGE_MS, do: "revert", point: "point", ...VM } as const;
const grown = { id: "more", atMs: 7, do: "grow-disk", disk: "data", toMiB: 2, ...VM } as const;

const startedBeside = (change: object, delayMs: number): ScenarioDocument =>
  ({
    name: "prepared-early",
    seed: 1,
    durationMs: 120,
    hosts: ["alpha", "beta"].map((id) => ({ id, cores: 1, memoryMiB: 4 })),
    arrays: [{ id: "array" }],
    links: [
      { between: ["alpha", "array"] },
      { between: ["beta", "array"] },
      { between: ["alpha", "beta"] },
    ],
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 1,
        protection: { kind: "log-replay", host: "beta", heartbeatMs: 1, timeoutMs: 4 },
        guest: {
          kind: "workload",
          bootMs: 1,
          phases: [
            { name: "write", durationMs: 40, block: [{ ...BLOCK, flushEvery: 2 }] },
            { name: "rest", durationMs: 1_000 },
          ],
        },
        disks: [{ id: "data", on: "array", sizeMiB: 1 }],
      },
    ],
    timeline: [
      { id: "point", atMs: 4, do: "snapshot", ...VM },
      change,
      { id: "off", atMs: CHANGE_MS - 1, do: "power-off", ...VM },
      { id: "on", atMs: CHANGE_MS + delayMs, do: "power-on", ...VM },
    ],
  }) as ScenarioDocument;

it.each([
  ["reverted", reverted],
  ["grown", grown],
])("goes on with what its machine began with, whenever it was made ready: %s", (_, change) => {
  const ends = new Set<string>();
  for (let at = 0; at < STARTS; at++) {
    const delayMs = at * STEP_MS;
    const world = builderOf(startedBeside(change, delayMs)).build({ seed: 1 });
    const ended = outcomesOf(world);
    world.run({ untilNs: fromMs(LOST_MS) });
    crash(world, "alpha");
    world.run({ untilNs: fromMs(120) });
    world.finish();
    const where = `started ${delayMs} ms after ${CHANGE_MS}`;
    expect(violations(world), where).toEqual([]);
    if (ended["on"] !== "complete") continue;
    expect(ended["db.fail-over-2"], where).toBe("complete");
    expect(isRunning(world, "db"), where).toBe(true);
    ends.add(ended[change.id]!);
  }
  expect(ends).toContain("complete");
});
