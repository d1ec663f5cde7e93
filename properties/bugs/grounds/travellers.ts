/**
 * A VM that moves, is evacuated and taken over while its disks are snapshotted, backed up and given
 * back to an older state: where the search hunts for bugs of moves between hosts that own disks. One
 * disk has redo logs, the other VM copy-on-write volumes. Leases are short, so that they run out.
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

const writing = (disk: string) =>
  workload(
    [
      {
        name: "write",
        durationMs: 50,
        cpu: { busyPercent: 0 },
        memory: { workingSetMiB: 0.5, writesPerSecond: 400, readsPerSecond: 400 },
        block: [load(disk)],
      },
      rest,
    ],
    { bootMs: 1 },
  );

const quickly = { minMbps: 2_000, maxMbps: 4_000, startUpMs: 2, stopBelowKiB: 256 } as const;
const hosts = ["alpha", "beta"] as const;

export default scenario({
  name: "travellers",
  description: "Two VMs move between hosts that own their disks, beside snapshots and backups.",
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
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 1,
      guest: writing("data"),
      disks: [{ id: "data", on: "array", sizeMiB: 1, cacheMode: "writeback" }],
    },
    {
      id: "web",
      host: "beta",
      restartOn: ["alpha"],
      memoryMiB: 1,
      guest: writing("root"),
      disks: [{ id: "root", on: "array", sizeMiB: 1, kind: "cow" }],
    },
  ],
  timeline: [
    { id: "point", atMs: 5, do: "snapshot", vm: "db" },
    { id: "copy", atMs: 8, do: "backup", vm: "db", to: "vault", copyKiB: 128 },
    { id: "move", after: "point.complete", do: "migrate", vm: "db", to: "beta", ...quickly },
    { id: "back", after: "move.ended", delayMs: 3, do: "take-over", vm: "db", host: "alpha" },
    { id: "first", atMs: 6, do: "snapshot", vm: "web" },
    { id: "away", after: "first.begin", do: "migrate", vm: "web", to: "alpha", ...quickly },
    { id: "home", after: "away.ended", delayMs: 4, do: "restart", vm: "web", host: "beta" },
  ],
  expect: [{ operation: "move", outcome: "complete" }],
  search: {
    operations: [
      "snapshot",
      "revert",
      "delete-snapshot",
      "consolidate",
      "backup",
      "restore",
      "grow-disk",
      "migrate",
      "cancel-migration",
      "migrate-disk-format",
      "evacuate",
      "take-over",
      "power-off",
      "power-on",
      "restart",
    ],
  },
});

await runIfMain(import.meta);
