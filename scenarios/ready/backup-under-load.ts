/**
 * A database VM is backed up while it runs: a snapshot of its own, a backup to another array, then
 * the snapshot is consolidated. Somewhere in the copy of the merge the power may fail: the VM comes
 * back on the other host, the merge is taken up again, and the guest finds all it was promised.
 *
 * The iterative way, for comparison: `--set /timeline/2/method=iterative`.
 */
import { captured, runIfMain, scenario } from "orrery";

export default scenario({
  name: "backup-under-load",
  description: "Backup of a busy VM, its snapshot consolidated in one pass; power lost meanwhile.",
  seed: 7,
  durationMs: 20_000,
  hosts: [
    { id: "alpha", cores: 8, memoryMiB: 65_536 },
    { id: "beta", cores: 8, memoryMiB: 65_536, clock: { driftPpm: 40 } },
  ],
  arrays: [
    {
      id: "array",
      readLatencyUs: { median: 180, p99: 2_000 },
      writeCacheMiB: 512,
      writeCacheProtected: true,
    },
    { id: "repository", readLatencyUs: 400, writeLatencyUs: 500 },
  ],
  links: [
    { between: ["alpha", "beta"], bandwidthMbps: 10_000, latencyUs: 40 },
    { between: ["alpha", "array"], bandwidthMbps: 16_000, latencyUs: 25 },
    { between: ["beta", "array"], bandwidthMbps: 16_000, latencyUs: 25 },
    { between: ["alpha", "repository"], bandwidthMbps: 10_000, latencyUs: 60 },
    { between: ["beta", "repository"], bandwidthMbps: 10_000, latencyUs: 60 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 4_096,
      vcpus: 2,
      guest: captured("traces/samples/inserts.vscsi.csv", { pacing: "closed" }),
      disks: [{ id: "data", on: "array", sizeMiB: 4_096, cacheMode: "writeback" }],
    },
  ],
  timeline: [
    { id: "snap", atMs: 1_000, do: "snapshot", vm: "db" },
    { id: "copy", atMs: 2_500, do: "backup", vm: "db", to: "repository" },
    { id: "merge", after: "copy.complete", do: "consolidate", vm: "db", point: "snap" },
  ],
  faults: [
    {
      kind: "power-loss",
      domain: "alpha",
      during: "merge.copy",
      probability: 0.5,
      restartAfterMs: 8_000,
    },
  ],
  expect: [
    { operation: "copy", outcome: "complete" },
    { operation: "merge", outcome: "complete", withinMs: 15_000 },
    { vm: "db", state: "running" },
  ],
});

await runIfMain(import.meta);
