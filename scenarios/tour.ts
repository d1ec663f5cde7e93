/**
 * The tour: a small datacenter, what it goes through, and what Orrery can tell of it afterwards.
 *
 * A database VM plays a captured block trace of real fsync-heavy work through a host's write-back
 * cache. A snapshot is taken under load; a second one is in the middle of its flush when the host
 * loses power, so acknowledged writes that were not flushed are gone. The VM restarts on the other
 * host, the half-made snapshot is undone, and the guest reads back everything it ever wrote.
 */
import { captured, runIfMain, scenario, workload } from "orrery";

export default scenario({
  name: "tour",
  description:
    "Two hosts, one array, three VMs; snapshots under load; a power loss while a flush is outstanding; restart on the other host.",
  seed: 7,
  durationMs: 12_000,
  hosts: [
    { id: "alpha", cores: 4, memoryMiB: 32_768, clock: { offsetUs: 300, driftPpm: 12 } },
    {
      id: "beta",
      cores: 4,
      memoryMiB: 32_768,
      clock: { offsetUs: -150, driftPpm: -40, ntp: { pollMs: 1_000 } },
    },
  ],
  arrays: [
    {
      id: "array",
      capacityMiB: 262_144,
      readLatencyUs: { median: 180, p99: 2_000 },
      writeLatencyUs: { median: 90, p99: 900 },
    },
  ],
  links: [
    { between: ["alpha", "beta"], bandwidthMbps: 10_000, latencyUs: 40, jitterUs: 5 },
    { id: "alpha--array", between: ["alpha", "array"], bandwidthMbps: 16_000, latencyUs: 25 },
    { id: "alpha--array-2", between: ["alpha", "array"], bandwidthMbps: 16_000, latencyUs: 30 },
    { id: "beta--array", between: ["beta", "array"], bandwidthMbps: 16_000, latencyUs: 25 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      priority: 10,
      memoryMiB: 4_096,
      vcpus: 2,
      guest: captured("traces/samples/inserts.vscsi.csv", { timeScale: 1 }),
      disks: [{ id: "data", on: "array", sizeMiB: 4_096, cacheMode: "writeback" }],
    },
    {
      id: "web",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 2_048,
      guest: workload([
        {
          name: "serve",
          durationMs: 60_000,
          threads: 2,
          cpu: { busyPercent: 35 },
          block: [
            {
              pacing: "open",
              disk: "root",
              requestsPerSecond: 600,
              readPercent: 60,
              distribution: "zipf",
              regionMiB: 64,
            },
          ],
          network: [{ to: "batch", messagesPerSecond: 40, transport: "stream" }],
        },
      ]),
      disks: [{ id: "root", on: "array", sizeMiB: 2_048, grainKiB: 1_024, cacheMode: "writeback" }],
    },
    {
      id: "batch",
      host: "beta",
      memoryMiB: 2_048,
      guest: workload([
        {
          name: "crunch",
          durationMs: 60_000,
          cpu: { busyPercent: 80 },
          block: [
            {
              pacing: "closed",
              disk: "scratch",
              outstanding: 2,
              thinkTimeUs: 4_000,
              readPercent: 30,
              sizeKiB: 64,
              flushEvery: 16,
            },
          ],
        },
      ]),
      disks: [{ id: "scratch", on: "array", sizeMiB: 2_048 }],
    },
  ],
  timeline: [
    { id: "before-upgrade", atMs: 1_500, do: "snapshot", vm: "db" },
    { id: "web-snap", after: "before-upgrade.complete", delayMs: 200, do: "snapshot", vm: "web" },
    { id: "nightly", atMs: 3_000, do: "snapshot", vm: "db" },
  ],
  faults: [
    {
      kind: "power-loss",
      domain: "alpha",
      during: "nightly.flush",
      delayUs: 60,
      restartAfterMs: 5_000,
    },
  ],
  expect: [
    { operation: "before-upgrade", outcome: "complete", withinMs: 2_000 },
    { operation: "nightly", outcome: "crashed" },
    { vm: "db", state: "running", host: "beta" },
    { vm: "web", state: "running", host: "beta" },
    { invariant: "a guest checked its disks after a crash", outcome: "reached" },
  ],
});

await runIfMain(import.meta);
