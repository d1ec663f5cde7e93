/**
 * Devices, caches and links under load, with nothing above them: where the search hunts for bugs of
 * the platform. What loses power comes back soon, and its guests read what they were told is written.
 */
import { runIfMain, scenario, workload } from "orrery";

const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };

const guest = (disks: readonly string[], to: string) =>
  workload(
    [
      {
        name: "work",
        durationMs: 24,
        cpu: { busyPercent: 0 },
        block: disks.map((disk) => ({
          pacing: "closed",
          disk,
          outstanding: 2,
          thinkTimeUs: 1_000,
          readPercent: 30,
          regionMiB: 0.25,
          flushEvery: 3,
        })),
        network: [{ to, messagesPerSecond: 1_500, sizeBytes: 500, transport: "stream" }],
      },
      rest,
    ],
    { bootMs: 2 },
  );

const host = (id: string) =>
  ({
    id,
    cores: 2,
    memoryMiB: 256,
    pageCache: { sizeMiB: 1, writebackMs: 4 },
    disks: [{ id: "ssd", sizeMiB: 8, writeCacheMiB: 1, flushUs: 400 }],
  }) as const;

export default scenario({
  name: "devices",
  description: "Two guests on disks with caches, talking to each other; power comes and goes.",
  seed: 1,
  durationMs: 2_500,
  hosts: [host("alpha"), host("beta")],
  arrays: [{ id: "array", readLatencyUs: 80, writeLatencyUs: 60, writeCacheMiB: 1 }],
  links: [
    { between: ["alpha", "array"], latencyUs: 20, jitterUs: 40 },
    { id: "other-way", between: ["alpha", "array"], latencyUs: 20, jitterUs: 40 },
    { between: ["beta", "array"], latencyUs: 20, jitterUs: 40 },
    { between: ["alpha", "beta"], latencyUs: 30, jitterUs: 300, lossPerMillion: 20_000 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["alpha"],
      memoryMiB: 16,
      guest: guest(["own", "far"], "web"),
      disks: [
        { id: "own", on: "alpha/ssd", kind: "flat", sizeMiB: 1, cacheMode: "writeback" },
        { id: "far", on: "array", kind: "flat", sizeMiB: 1, cacheMode: "writeback" },
      ],
    },
    {
      id: "web",
      host: "beta",
      restartOn: ["beta"],
      memoryMiB: 16,
      guest: guest(["own", "far"], "db"),
      disks: [
        { id: "own", on: "beta/ssd", kind: "flat", sizeMiB: 1, cacheMode: "none" },
        { id: "far", on: "array", sizeMiB: 1, cacheMode: "none" },
      ],
    },
  ],
  faults: [
    { kind: "power-loss", domain: "alpha", atMs: 14, restartAfterMs: 3 },
    { kind: "crash", domain: "beta", atMs: 20, restartAfterMs: 3 },
    { kind: "partition", from: "alpha", to: "beta", atMs: 8, durationMs: 6 },
  ],
});

await runIfMain(import.meta);
