/**
 * A machine that outlives its host, small: where the search hunts for bugs of fault tolerance. Its
 * host or its follower is lost, or the link of the log is cut, while it talks and writes.
 */
import { runIfMain, scenario, workload } from "orrery";

const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };

export default scenario({
  name: "followers",
  description: "A VM protected by log replay, whose host is lost while it talks to a client.",
  seed: 1,
  durationMs: 2_000,
  hosts: ["alpha", "beta", "gamma"].map((id) => ({ id, cores: 2, memoryMiB: 256 })),
  arrays: [{ id: "array", readLatencyUs: 180, writeLatencyUs: 120 }],
  links: [
    { between: ["alpha", "array"], latencyUs: 20, jitterUs: 10 },
    { between: ["beta", "array"], latencyUs: 20, jitterUs: 10 },
    { id: "logging", between: ["alpha", "beta"], latencyUs: 40, jitterUs: 40 },
    { between: ["alpha", "gamma"], latencyUs: 40, jitterUs: 10 },
    { between: ["beta", "gamma"], latencyUs: 40, jitterUs: 10 },
  ],
  vms: [
    {
      id: "ledger",
      host: "alpha",
      memoryMiB: 8,
      protection: { kind: "log-replay", host: "beta", heartbeatMs: 2, timeoutMs: 12 },
      guest: workload(
        [
          {
            name: "serve",
            durationMs: 50,
            cpu: { busyPercent: 0 },
            block: [
              {
                pacing: "closed",
                disk: "data",
                outstanding: 2,
                thinkTimeUs: 2_000,
                readPercent: 40,
                regionMiB: 0.25,
                flushEvery: 3,
              },
            ],
            network: [
              { to: "client", messagesPerSecond: 600, sizeBytes: 500, transport: "stream" },
            ],
          },
          rest,
        ],
        { bootMs: 2 },
      ),
      disks: [{ id: "data", on: "array", sizeMiB: 1 }],
    },
    {
      id: "client",
      host: "gamma",
      memoryMiB: 8,
      guest: workload(
        [
          {
            name: "ask",
            durationMs: 50,
            network: [{ to: "ledger", messagesPerSecond: 300, transport: "stream" }],
          },
          rest,
        ],
        { bootMs: 2 },
      ),
      disks: [],
    },
  ],
  faults: [{ kind: "power-loss", domain: "alpha", atMs: 24.3, restartAfterMs: 60 }],
});

await runIfMain(import.meta);
