/**
 * Hosts that take a disk from each other, are cut off from their array and come back: where the search
 * hunts for bugs of the handoff. Leases are short, so that they run out within a run.
 */
import { runIfMain, scenario, workload } from "orrery";

export default scenario({
  name: "owners",
  description: "One VM, taken over by the other host and restarted while links are cut.",
  seed: 1,
  durationMs: 3_000,
  hosts: [
    { id: "alpha", cores: 1, memoryMiB: 256, pageCache: { sizeMiB: 4, writebackMs: 50 } },
    { id: "beta", cores: 1, memoryMiB: 256, pageCache: { sizeMiB: 4, writebackMs: 50 } },
    { id: "gamma", cores: 1, memoryMiB: 256 },
  ],
  arrays: [
    {
      id: "array",
      readLatencyUs: 100,
      writeLatencyUs: 100,
      ownership: { fencing: "epoch", heartbeatMs: 20, leaseMs: 80 },
    },
  ],
  links: [
    ...["alpha", "beta", "gamma"].map((host) => ({
      between: [host, "array"] as const,
      latencyUs: 20,
      jitterUs: 20,
    })),
    { between: ["alpha", "beta"], latencyUs: 20 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta", "gamma"],
      memoryMiB: 16,
      guest: workload(
        [
          {
            name: "write",
            durationMs: 60,
            cpu: { busyPercent: 0 },
            block: [
              {
                pacing: "closed",
                disk: "data",
                outstanding: 2,
                thinkTimeUs: 3_000,
                readPercent: 30,
                regionMiB: 0.25,
                flushEvery: 3,
              },
            ],
          },
          { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } },
        ],
        { bootMs: 1 },
      ),
      disks: [{ id: "data", on: "array", sizeMiB: 1, cacheMode: "writeback" }],
    },
  ],
  timeline: [
    { id: "away", atMs: 30, do: "take-over", vm: "db", host: "beta" },
    { id: "also", atMs: 31, do: "take-over", vm: "db", host: "gamma" },
    { id: "again", atMs: 150, do: "restart", vm: "db", host: "alpha" },
  ],
  faults: [{ kind: "partition", from: "alpha", to: "array", atMs: 22, durationMs: 160 }],
});

await runIfMain(import.meta);
