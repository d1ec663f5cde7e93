/**
 * Storage operations in each other's way, small enough to be run thousands of times: what
 * `orrery explore` hunts in. A database on redo logs and a web server on copy-on-write volumes are
 * snapshotted, merged, backed up and restarted while they write; nothing goes wrong by itself.
 * Messages jitter a little, so that how long each of them takes is a choice of the gate.
 */
import { runIfMain, scenario, workload } from "orrery";

const writing = { pacing: "closed", readPercent: 30, regionMiB: 1, sizeKiB: 4 } as const;

export default scenario({
  name: "storage-storm",
  description: "Two VMs on one array; snapshots, merges and a backup at once. For searches.",
  seed: 1,
  // Requests to an array time out after five seconds: what follows from that is seen too.
  durationMs: 8_000,
  hosts: [
    { id: "alpha", cores: 2, memoryMiB: 4_096 },
    { id: "beta", cores: 2, memoryMiB: 4_096 },
  ],
  arrays: [
    {
      id: "array",
      kind: "cow",
      readLatencyUs: 120,
      writeLatencyUs: 90,
      ownership: { heartbeatMs: 240, leaseMs: 720 },
    },
    { id: "vault", readLatencyUs: 200, writeLatencyUs: 250 },
  ],
  // The hosts have one, too: a disk is asked for at its owner's filters before its lease is waited for.
  links: [
    ...["alpha", "beta"].flatMap((host) => ["array", "vault"].map((to) => [host, to] as const)),
    ["alpha", "beta"] as const,
  ].map((between) => ({ between, latencyUs: 20, jitterUs: 4 })),
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 256,
      guest: workload(
        [
          {
            name: "write",
            cpu: { busyPercent: 0 },
            durationMs: 14,
            block: [
              { ...writing, disk: "data", outstanding: 2, thinkTimeUs: 3_000, flushEvery: 4 },
              { ...writing, disk: "log", outstanding: 1, thinkTimeUs: 4_000, flushEvery: 2 },
            ],
          },
          { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } },
        ],
        { bootMs: 2 },
      ),
      disks: [
        { id: "data", on: "array", sizeMiB: 8, cacheMode: "writeback" },
        { id: "log", on: "array", sizeMiB: 8, grainKiB: 16 },
      ],
    },
    {
      id: "web",
      host: "beta",
      restartOn: ["alpha"],
      memoryMiB: 256,
      guest: workload(
        [
          {
            name: "write",
            cpu: { busyPercent: 0 },
            durationMs: 14,
            block: [
              { ...writing, disk: "root", outstanding: 2, thinkTimeUs: 4_000, flushEvery: 4 },
            ],
          },
          { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } },
        ],
        { bootMs: 2 },
      ),
      disks: [{ id: "root", on: "array", sizeMiB: 8, kind: "cow" }],
    },
  ],
  timeline: [
    { id: "first", atMs: 4, do: "snapshot", vm: "db" },
    { id: "point", atMs: 5, do: "snapshot", vm: "web" },
    { id: "second", atMs: 7, do: "snapshot", vm: "db" },
    { id: "merge", atMs: 10, do: "consolidate", vm: "db", point: "second", copyKiB: 64 },
    { id: "forget", atMs: 11, do: "delete-snapshot", vm: "web", point: "point" },
    { id: "copy", atMs: 14, do: "backup", vm: "db", to: "vault", copyKiB: 64 },
  ],
  expect: [{ operation: "merge", outcome: "complete" }],
  // Memory is the matter of the memory storm: pages of a move or a checkpoint are most of a run.
  search: {
    operations: [
      "snapshot",
      "revert",
      "delete-snapshot",
      "consolidate",
      "abort",
      "promote",
      "linked-clone",
      "clone",
      "migrate-disk-format",
      "backup",
      "restore",
      "disk-checkpoint",
      "grow-disk",
      "take-over",
      "collect-garbage",
      "power-off",
      "power-on",
      "restart",
    ],
  },
});

await runIfMain(import.meta);
