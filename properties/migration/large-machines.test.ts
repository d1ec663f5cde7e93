/**
 * A VM of 64 GiB moves, and is checkpointed, 4 million of its 16 million pages being written; by
 * `ORRERY_EXHAUSTIVE=1`.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const host = (id: string) => ({
  id,
  cores: 16,
  memoryMiB: 131_072,
  nic: { bandwidthMbps: 25_000 },
});
const memory = {
  workingSetMiB: 16_384,
  readsPerSecond: 0,
  writesPerSecond: 50_000,
  distribution: "uniform",
};
const phase = { name: "work", durationMs: 1_000_000, memory };

const LINK = { bandwidthMbps: 10_000 };
const documentOf = (operation: object) =>
  ({
    name: "large",
    seed: 1,
    durationMs: 200_000,
    hosts: [host("alpha"), host("beta")],
    arrays: [{ id: "array", capacityMiB: 1_048_576 }],
    links: [
      { ...LINK, between: ["alpha", "beta"] },
      { ...LINK, between: ["alpha", "array"] },
      { ...LINK, between: ["beta", "array"] },
    ],
    vms: [
      {
        id: "large",
        host: "alpha",
        vcpus: 8,
        memoryMiB: 65_536,
        guest: { kind: "workload", bootMs: 20, phases: [phase] },
      },
    ],
    timeline: [{ id: "op", atMs: 1_000, vm: "large", ...operation }],
  }) as unknown as ScenarioDocument;

const MOVE = { do: "migrate", to: "beta", minMbps: 9_000, maxMbps: 10_000 };
const SAVE = { do: "checkpoint", on: "array", method: "lazy" };

describe.runIf(process.env["ORRERY_EXHAUSTIVE"] !== undefined)("a VM of 64 GiB", () => {
  it.each([
    ["moves", MOVE],
    ["is checkpointed", SAVE],
  ] as const)(
    "%s within 1 GiB of memory",
    (_what, operation) => {
      const world = builderOf(documentOf(operation)).build({ seed: 1 });
      const ended: unknown[] = [];
      let most = 0;
      world.hooks.onNotice = ({ kind, data }) => {
        if (kind === "operation-end" && data["id"] === "op") ended.push(data["outcome"]);
      };
      while (ended.length === 0 && world.timeNs < fromMs(200_000)) {
        world.run({ untilNs: world.timeNs + fromMs(500) });
        most = Math.max(most, process.memoryUsage.rss());
      }
      expect(ended).toEqual(["complete"]);
      expect(world.checker.violations).toEqual([]);
      expect(most).toBeLessThan(2 ** 30);
    },
    300_000,
  );
});
