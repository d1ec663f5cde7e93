/**
 * What moves, saves and brings back memory, in each other's way, small enough to be run thousands of
 * times: what `orrery explore` hunts in beside the storage storm. A cache is saved and moved while it
 * writes its memory; a ledger whose driver protects pages is suspended, and before its pages are there
 * again it is saved and moved; a node takes the disk of its host along. Nothing goes wrong by itself.
 */
import { runIfMain, scenario, workload } from "orrery";

const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };

const writing = {
  pacing: "closed",
  readPercent: 30,
  regionMiB: 1,
  outstanding: 1,
  thinkTimeUs: 4_000,
  flushEvery: 2,
} as const;

const touching = (workingSetMiB: number, writesPerSecond: number) => ({
  workingSetMiB,
  writesPerSecond,
  readsPerSecond: writesPerSecond,
});

const quickly = { minMbps: 2_000, maxMbps: 4_000, startUpMs: 2, stopBelowKiB: 256 };

const slowly = { groupBlocks: 2, stagingBlocks: 4 };

export default scenario({
  name: "memory-storm",
  description: "Checkpoints, suspends and moves of three small VMs at once. For searches.",
  seed: 1,
  durationMs: 3_000,
  hosts: [
    { id: "alpha", cores: 4, memoryMiB: 256, disks: [{ id: "ssd", sizeMiB: 8, writeCacheMiB: 1 }] },
    { id: "beta", cores: 4, memoryMiB: 256, disks: [{ id: "ssd", sizeMiB: 8, writeCacheMiB: 1 }] },
  ],
  arrays: [{ id: "array", readLatencyUs: 120, writeLatencyUs: 90 }],
  links: [
    { between: ["alpha", "array"], latencyUs: 20, jitterUs: 4 },
    { between: ["beta", "array"], latencyUs: 20, jitterUs: 4 },
    { id: "moving", between: ["alpha", "beta"], bandwidthMbps: 10_000, latencyUs: 20, jitterUs: 4 },
  ],
  vms: [
    {
      id: "cache",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 2,
      guest: workload(
        [
          {
            name: "work",
            durationMs: 30,
            cpu: { busyPercent: 0 },
            memory: touching(1, 2_000),
            block: [{ ...writing, disk: "data" }],
          },
          rest,
        ],
        { bootMs: 2 },
      ),
      disks: [{ id: "data", on: "array", sizeMiB: 2, cacheMode: "writeback" }],
    },
    {
      id: "ledger",
      host: "beta",
      restartOn: ["alpha"],
      memoryMiB: 2,
      vcpus: 2,
      guest: workload(
        [
          { name: "work", durationMs: 50, cpu: { busyPercent: 0 }, memory: touching(0.5, 500) },
          rest,
        ],
        {
          bootMs: 2,
          integrity: {
            atMiB: 1,
            protect: [{ atMiB: 0.5, pages: 4 }],
            updateEveryMs: 12,
            updateUs: 800,
            interruptEvery: 2,
            attacks: [
              { atMs: 8 },
              { atMs: 14, on: "data", when: "in-update" },
              { atMs: 22, by: "device" },
              { atMs: 30, by: "forged-entry", on: "data" },
              { atMs: 36, on: "data", when: "in-interrupt" },
              { atMs: 44, on: "code" },
            ],
          },
        },
      ),
      disks: [],
    },
    {
      id: "node",
      host: "alpha",
      memoryMiB: 1,
      guest: workload(
        [
          {
            name: "work",
            durationMs: 30,
            cpu: { busyPercent: 0 },
            memory: touching(1, 500),
            block: [{ ...writing, disk: "own" }],
          },
          rest,
        ],
        { bootMs: 2 },
      ),
      disks: [{ id: "own", on: "alpha/ssd", kind: "flat", sizeMiB: 1, cacheMode: "writeback" }],
    },
  ],
  timeline: [
    { id: "save", atMs: 6, do: "checkpoint", vm: "cache", on: "array", base: "last" },
    { id: "carry", atMs: 10, do: "migrate", vm: "node", to: "beta", ...quickly },
    { id: "again", atMs: 16, do: "checkpoint", vm: "cache", on: "array", base: "last" },
    { id: "move", atMs: 24, do: "migrate", vm: "cache", to: "beta", ...quickly },
    { id: "sleep", atMs: 12, do: "suspend", vm: "ledger", on: "array", blockKiB: 16 },
    {
      id: "wake",
      after: "sleep.complete",
      do: "resume",
      vm: "ledger",
      on: "array",
      readsAtOnce: 1,
    },
    { id: "note", after: "wake.goesOn", do: "checkpoint", vm: "ledger", on: "array", ...slowly },
    {
      id: "away",
      after: "wake.goesOn",
      delayMs: 1.2,
      do: "migrate",
      vm: "ledger",
      to: "alpha",
      ...quickly,
    },
  ],
  expect: [
    { operation: "again", outcome: "complete" },
    { operation: "carry", outcome: "complete" },
    { operation: "move", outcome: "complete" },
    { operation: "note", outcome: "complete" },
    { operation: "away", outcome: "complete" },
    { vm: "ledger", state: "running", host: "alpha" },
  ],
});

await runIfMain(import.meta);
