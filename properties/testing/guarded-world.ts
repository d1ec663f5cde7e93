/**
 * A VM with an integrity driver, modelled or real, on the first of two hosts that share an array: for
 * suites that send it about.
 */
import type { World } from "../../core/kernel/index.ts";
import { createBuilder, prepareDocument, type ScenarioDocument } from "../../scenarios/index.ts";

export type Timeline = NonNullable<ScenarioDocument["timeline"]>;

/** A VM on the first of two hosts, and an array that both reach. */
export async function guardedWorld(
  vm: object,
  timeline: Timeline,
  seed = 1,
  more: Partial<ScenarioDocument> = {},
): Promise<World> {
  const document: ScenarioDocument = {
    name: "guarded",
    seed,
    durationMs: 420,
    hosts: [
      { id: "alpha", cores: 2, memoryMiB: 1_024 },
      { id: "beta", cores: 2, memoryMiB: 1_024 },
    ],
    arrays: [{ id: "array", readLatencyUs: 200, writeLatencyUs: 150 }],
    links: [
      { between: ["alpha", "array"] },
      { between: ["beta", "array"] },
      { between: ["alpha", "beta"], bandwidthMbps: 5_000 },
    ],
    vms: [{ id: "m", host: "alpha", vcpus: 2, disks: [], ...vm }] as never,
    timeline,
    ...more,
  };
  const prepared = await prepareDocument(document, "guarded");
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const { scenario } = prepared;
  return createBuilder(scenario.document, scenario.inputs, scenario.own, []).build({ seed });
}

/** A driver that updates its data every 3 ms, and who attacks what it protects. */
export const modelledDriver = (attacks: readonly object[]) => ({
  memoryMiB: 10,
  guest: {
    kind: "workload",
    bootMs: 10,
    phases: [
      {
        name: "work",
        durationMs: 60_000,
        memory: { workingSetMiB: 1, writesPerSecond: 3_000, readsPerSecond: 100 },
      },
    ],
    integrity: {
      protect: [{ atMiB: 6, pages: 4 }],
      updateEveryMs: 3,
      updateUs: 900,
      interruptEvery: 2,
      interruptUs: 300,
      attacks,
    },
  },
});

/** It is attacked again and again: 140 writes and 30 calls. */
export const REAL_SENTRY = {
  memoryMiB: 4,
  guest: { kind: "rv64", file: "core/guest/rv64/samples/guard/sentry.elf", firmware: true },
};
