/**
 * Machines that are saved to one array while their disks are on another, cloned, grown, moved by
 * post-copy and taken over between three hosts: where the search hunts for what two arrays, or two VMs
 * on one base, do to each other. Leases are short, so that they run out within a run.
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
const writing = (durationMs: number, disks: readonly string[]) =>
  workload(
    [
      {
        name: "write",
        durationMs,
        cpu: { busyPercent: 0 },
        memory: { workingSetMiB: 0.5, writesPerSecond: 1_000, readsPerSecond: 1_000 },
        block: disks.map(load),
      },
      rest,
    ],
    { bootMs: 1 },
  );
const small = { blockKiB: 64, groupBlocks: 2, stagingBlocks: 6 } as const;
const kept = { vm: "db", on: "vault" } as const;
const fast = { minMbps: 2_000, maxMbps: 4_000, startUpMs: 2, stopBelowKiB: 128 } as const;
const hosts = ["alpha", "beta", "gamma"] as const;
const DISKS = [
  { id: "data", on: "array", sizeMiB: 1, cacheMode: "writeback", grainKiB: 16 },
] as const;
export default scenario({
  name: "savers",
  description:
    "Saved with redo and cow disks, cloned, grown and moved by post-copy between three hosts.",
  seed: 1,
  durationMs: 3_000,
  hosts: hosts.map((id) => ({ id, cores: 2, memoryMiB: 256 })),
  arrays: [
    {
      id: "array",
      kind: "cow",
      chunkKiB: 64,
      readLatencyUs: 100,
      writeLatencyUs: 80,
      ownership: { heartbeatMs: 20, leaseMs: 80 },
    },
    { id: "vault", readLatencyUs: 100, writeLatencyUs: 80 },
  ],
  links: [
    ...hosts.flatMap((host) =>
      ["array", "vault"].map((to) => ({
        between: [host, to] as const,
        latencyUs: 20,
        jitterUs: 10,
      })),
    ),
    { between: ["alpha", "beta"], latencyUs: 20, bandwidthMbps: 10_000 },
    { between: ["alpha", "gamma"], latencyUs: 20, bandwidthMbps: 10_000 },
    { between: ["beta", "gamma"], latencyUs: 20, bandwidthMbps: 10_000 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta", "gamma"],
      memoryMiB: 1,
      guest: writing(50, ["data"]),
      disks: DISKS,
    },
    {
      id: "twin",
      host: "gamma",
      restartOn: ["alpha"],
      memoryMiB: 1,
      poweredOn: false,
      guest: writing(30, ["data"]),
      disks: DISKS,
    },
    {
      id: "web",
      host: "beta",
      restartOn: ["alpha"],
      memoryMiB: 1,
      guest: writing(40, ["root"]),
      disks: [{ id: "root", on: "array", sizeMiB: 1, kind: "cow" }],
    },
  ],
  timeline: [
    { ...small, vm: "web", on: "vault", id: "note", atMs: 9, do: "checkpoint", base: "last" },
    {
      id: "away",
      after: "note.ended",
      delayMs: 2,
      do: "migrate",
      vm: "web",
      to: "gamma",
      algorithm: "post-copy",
      patienceMs: 60,
      ...fast,
    },
    { id: "sync", after: "away.ended", delayMs: 2, do: "restart", vm: "web", host: "alpha" },
    { ...kept, ...small, id: "save", atMs: 8, do: "checkpoint", withDisks: true, base: "last" },
    { id: "first", atMs: 6, do: "snapshot", vm: "db" },
    {
      id: "link",
      after: "first.complete",
      do: "linked-clone",
      vm: "db",
      point: "first",
      clone: "twin",
    },
    { id: "boot", after: "link.complete", do: "power-on", vm: "twin" },
    {
      id: "move",
      after: "save.complete",
      delayMs: 2,
      do: "migrate",
      vm: "db",
      to: "beta",
      algorithm: "post-copy",
      patienceMs: 60,
      ...fast,
    },
    { ...kept, ...small, id: "sleep", after: "move.ended", delayMs: 4, do: "suspend" },
    { ...kept, id: "wake", after: "sleep.complete", do: "resume", readsAtOnce: 1 },
    { id: "taken", after: "wake.ended", delayMs: 4, do: "take-over", vm: "db", host: "gamma" },
  ],
  faults: [
    { kind: "partition", from: "beta", to: "array", during: "taken.begin", durationMs: 200 },
  ],
  expect: [{ operation: "link", outcome: "complete" }],
  search: {
    operations: [
      "snapshot",
      "revert",
      "delete-snapshot",
      "checkpoint",
      "merge-checkpoints",
      "suspend",
      "resume",
      "restore-checkpoint",
      "take-over",
      "migrate",
      "cancel-migration",
      "grow-disk",
      "backup",
      "power-off",
      "power-on",
      "restart",
    ],
  },
});
await runIfMain(import.meta);
