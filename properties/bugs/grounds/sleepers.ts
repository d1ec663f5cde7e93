/**
 * A VM that is saved with its disks, suspended, resumed, gone back with, and started instead, while
 * hosts take its disks from each other: where the search hunts for bugs of checkpoints beside the
 * memory storm. Leases are short, so that they run out within a run.
 */
import { runIfMain, scenario, workload } from "orrery";

const load = (disk: string) => ({
  pacing: "closed" as const,
  disk,
  outstanding: 1,
  thinkTimeUs: 3_000,
  readPercent: 50,
  regionMiB: 0.25,
  flushEvery: 3,
});

const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };

const small = { blockKiB: 64, groupBlocks: 2, stagingBlocks: 6 } as const;
const kept = { vm: "db", on: "array" } as const;
const hosts = ["alpha", "beta"] as const;

export default scenario({
  name: "sleepers",
  description: "One VM is saved with its disks, suspended, resumed and gone back with.",
  seed: 1,
  durationMs: 3_000,
  hosts: hosts.map((id) => ({ id, cores: 2, memoryMiB: 256 })),
  arrays: [
    {
      id: "array",
      readLatencyUs: 100,
      writeLatencyUs: 80,
      ownership: { heartbeatMs: 20, leaseMs: 80 },
    },
  ],
  links: [
    ...hosts.map((host) => ({
      between: [host, "array"] as const,
      latencyUs: 20,
      jitterUs: 10,
    })),
    { between: ["alpha", "beta"], latencyUs: 20, bandwidthMbps: 10_000 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 2,
      guest: workload(
        [
          {
            name: "write",
            durationMs: 40,
            cpu: { busyPercent: 0 },
            memory: { workingSetMiB: 1, writesPerSecond: 1_000, readsPerSecond: 1_000 },
            block: [load("data")],
          },
          rest,
        ],
        { bootMs: 1 },
      ),
      disks: [{ id: "data", on: "array", sizeMiB: 1, cacheMode: "writeback" }],
    },
  ],
  timeline: [
    { ...kept, ...small, id: "save", atMs: 10, do: "checkpoint", withDisks: true, base: "last" },
    { id: "off", after: "save.complete", delayMs: 6, do: "power-off", vm: "db" },
    { ...kept, id: "back", after: "off.complete", do: "restore-checkpoint", method: "lazy" },
    { ...kept, ...small, id: "sleep", after: "back.complete", delayMs: 5, do: "suspend" },
    { ...kept, id: "wake", after: "sleep.complete", do: "resume", readsAtOnce: 1 },
    { id: "away", after: "wake.goesOn", delayMs: 4, do: "restart", vm: "db", host: "beta" },
  ],
  expect: [
    { operation: "back", outcome: "complete" },
    { operation: "wake", outcome: "complete" },
  ],
  search: {
    operations: [
      "snapshot",
      "revert",
      "checkpoint",
      "merge-checkpoints",
      "suspend",
      "resume",
      "restore-checkpoint",
      "take-over",
      "migrate",
      "power-off",
      "power-on",
      "restart",
    ],
  },
});

await runIfMain(import.meta);
