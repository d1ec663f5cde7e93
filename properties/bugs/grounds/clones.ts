/**
 * VMs that are made linked clones of others while those write, started, and promoted while they write
 * themselves: where the search hunts for bugs of clones and promotion. One pair has redo logs, the other
 * copy-on-write volumes.
 */
import { runIfMain, scenario, workload } from "orrery";

const load = (disk: string) => ({
  pacing: "closed" as const,
  disk,
  outstanding: 2,
  thinkTimeUs: 3_000,
  readPercent: 30,
  regionMiB: 0.5,
  flushEvery: 3,
});

const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };

const writing = (durationMs: number, disks: readonly string[]) =>
  workload([{ name: "write", durationMs, cpu: { busyPercent: 0 }, block: disks.map(load) }, rest], {
    bootMs: 1,
  });

const LOGS = [
  { id: "data", on: "array", sizeMiB: 1, grainKiB: 16, cacheMode: "writeback" },
  { id: "log", on: "array", sizeMiB: 1, grainKiB: 16 },
] as const;
const VOLUMES = [{ id: "root", on: "array", sizeMiB: 1, kind: "cow" }] as const;

const vm = (id: string, host: string, away: string) => ({
  id,
  host,
  restartOn: [away],
  memoryMiB: 16,
});

export default scenario({
  name: "clones",
  description: "Two VMs are cloned while they write; the clones are started and promoted.",
  seed: 1,
  durationMs: 6_000,
  hosts: [
    { id: "alpha", cores: 2, memoryMiB: 256 },
    { id: "beta", cores: 2, memoryMiB: 256 },
  ],
  arrays: [
    {
      id: "array",
      kind: "cow",
      chunkKiB: 64,
      readLatencyUs: 100,
      writeLatencyUs: 80,
      ownership: { heartbeatMs: 240, leaseMs: 720 },
    },
  ],
  links: [
    { between: ["alpha", "array"], latencyUs: 20, jitterUs: 10 },
    { between: ["beta", "array"], latencyUs: 20, jitterUs: 10 },
    { between: ["alpha", "beta"], latencyUs: 20, jitterUs: 10 },
  ],
  vms: [
    { ...vm("db", "alpha", "beta"), guest: writing(24, ["data", "log"]), disks: LOGS },
    {
      ...vm("db-clone", "beta", "alpha"),
      poweredOn: false,
      guest: writing(16, ["data", "log"]),
      disks: LOGS,
    },
    { ...vm("web", "beta", "alpha"), guest: writing(24, ["root"]), disks: VOLUMES },
    {
      ...vm("web-clone", "alpha", "beta"),
      poweredOn: false,
      guest: writing(16, ["root"]),
      disks: VOLUMES,
    },
  ],
  timeline: [
    { id: "first", atMs: 5, do: "snapshot", vm: "db" },
    {
      id: "link",
      after: "first.complete",
      do: "linked-clone",
      vm: "db",
      point: "first",
      clone: "db-clone",
    },
    { id: "start", after: "link.complete", do: "power-on", vm: "db-clone" },
    {
      id: "promote",
      after: "start.complete",
      delayMs: 6,
      do: "promote",
      vm: "db-clone",
      snapshots: "carry",
      copyKiB: 128,
    },
    { id: "second", after: "promote.complete", do: "snapshot", vm: "db" },
    { id: "off", after: "second.complete", do: "power-off", vm: "db-clone" },
    {
      id: "forget",
      after: "off.complete",
      do: "consolidate",
      vm: "db",
      point: "second",
      copyKiB: 16,
    },
    {
      id: "again",
      after: "forget.begin",
      do: "linked-clone",
      vm: "db",
      point: "second",
      clone: "db-clone",
    },
    { id: "point", atMs: 6, do: "snapshot", vm: "web" },
    {
      id: "fork",
      after: "point.complete",
      do: "linked-clone",
      vm: "web",
      point: "point",
      clone: "web-clone",
    },
    { id: "boot", after: "fork.complete", do: "power-on", vm: "web-clone" },
    { id: "split", after: "boot.complete", delayMs: 6, do: "promote", vm: "web-clone" },
  ],
  expect: [
    { operation: "promote", outcome: "complete" },
    { operation: "split", outcome: "complete" },
  ],
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
      "backup",
      "grow-disk",
      "collect-garbage",
      "migrate-disk-format",
      "power-off",
      "power-on",
      "restart",
    ],
  },
});

await runIfMain(import.meta);
