/**
 * A machine that sends a stream goes back to a checkpoint, whenever that was made and it went off: its peer
 * is told other messages than before, under the same numbers, and takes them for those of another run.
 */
import { describe, expect, it } from "vitest";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { outcomesOf, violations } from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

const SAVED_MS = [4, 12];
const OFF_AFTER_MS = [0.5, 6, 20];

const talking = (to: string) => ({
  kind: "workload" as const,
  bootMs: 2,
  phases: [
    {
      name: "talk",
      durationMs: 60,
      cpu: { busyPercent: 0 },
      network: [{ to, messagesPerSecond: 400, transport: "stream" as const }],
    },
    { name: "rest", durationMs: 10_000, cpu: { busyPercent: 0 } },
  ],
});

function documentOf(savedMs: number, offAfterMs: number): ScenarioDocument {
  const vm = { memoryMiB: 1, restartOn: [], disks: [] };
  return smallDatacenter({
    durationMs: 400,
    links: [
      { between: ["alpha", "array"] },
      { between: ["beta", "array"] },
      { between: ["alpha", "beta"], jitterUs: 50 },
    ],
    vms: [
      { ...vm, id: "db", host: "alpha", guest: talking("web") },
      { ...vm, id: "web", host: "beta", guest: talking("db") },
    ],
    timeline: [
      { id: "save", atMs: savedMs, do: "checkpoint", vm: "db", on: "array" },
      { id: "off", after: "save.complete", delayMs: offAfterMs, do: "power-off", vm: "db" },
      { id: "back", after: "off.complete", do: "restore-checkpoint", vm: "db", on: "array" },
    ],
  });
}

describe("a machine that goes back to a checkpoint", () => {
  for (const savedMs of SAVED_MS) {
    it.each(OFF_AFTER_MS)(`of ${savedMs} ms, and goes off %s ms after it`, (offAfterMs) => {
      const builder = builderOf(documentOf(savedMs, offAfterMs));
      const world = builder.build({ seed: 1 });
      const outcomes = outcomesOf(world);
      world.run({ untilNs: builder.durationNs });
      world.finish();
      expect(violations(world)).toEqual([]);
      expect(outcomes["back"]).toBe("complete");
    });
  }
});
