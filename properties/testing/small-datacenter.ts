/** A small datacenter for properties: two hosts, an array, one VM with two disks on redo logs. */
import {
  createBuilder,
  type ScenarioBuilder,
  type ScenarioDocument,
  validateDocument,
} from "../../scenarios/index.ts";
import { NOTHING_OWN } from "../../scenarios/index.ts";

export function smallDatacenter(changes: Partial<ScenarioDocument> = {}): ScenarioDocument {
  const block = { pacing: "closed", outstanding: 2, thinkTimeUs: 9_000, readPercent: 30 } as const;
  return {
    name: "small-datacenter",
    seed: 1,
    durationMs: 4_500,
    hosts: [
      { id: "alpha", cores: 2, memoryMiB: 4_096 },
      { id: "beta", cores: 2, memoryMiB: 4_096 },
    ],
    arrays: [{ id: "array", readLatencyUs: 100, writeLatencyUs: 80 }],
    links: [{ between: ["alpha", "array"] }, { between: ["beta", "array"] }],
    vms: [
      {
        id: "db",
        host: "alpha",
        restartOn: ["beta"],
        memoryMiB: 512,
        guest: {
          kind: "workload",
          bootMs: 20,
          phases: [
            {
              name: "work",
              durationMs: 10_000,
              block: [
                { ...block, disk: "data", regionMiB: 1, flushEvery: 4 },
                { ...block, disk: "log", regionMiB: 1, distribution: "sequential", flushEvery: 2 },
              ],
            },
          ],
        },
        disks: [
          { id: "data", on: "array", sizeMiB: 64, cacheMode: "writeback" },
          { id: "log", on: "array", sizeMiB: 64, grainKiB: 16 },
        ],
      },
    ],
    timeline: [
      { id: "first", atMs: 300, do: "snapshot", vm: "db" },
      { id: "second", atMs: 600, do: "snapshot", vm: "db" },
    ],
    ...changes,
  };
}

/** A guest that writes to both disks for a while, and then only lives. */
export function shortWork(load: {
  readonly bootMs: number;
  readonly durationMs: number;
  readonly thinkTimeUs: number;
  readonly readPercent: number;
}) {
  const { bootMs, durationMs, thinkTimeUs, readPercent } = load;
  const block = { pacing: "closed", outstanding: 2, thinkTimeUs, readPercent } as const;
  return {
    kind: "workload",
    bootMs,
    phases: [
      {
        name: "work",
        durationMs,
        block: [
          { ...block, disk: "data", regionMiB: 1, flushEvery: 4 },
          { ...block, disk: "log", regionMiB: 1, flushEvery: 3 },
        ],
      },
      { name: "rest", durationMs: 100_000 },
    ],
  } as const;
}

/** The builder of a document that has no inputs; throws where the document is wrong. */
export function builderOf(document: ScenarioDocument): ScenarioBuilder {
  const checked = validateDocument(document, { file: "test" });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return createBuilder(checked.document, [], NOTHING_OWN);
}
