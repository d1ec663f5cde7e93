/**
 * A machine that outlives its host, on a disk that has an owner: taken over, started again and given
 * back to an older state while its host or its follower is lost. Where the search hunts for bugs of
 * starts of protected machines, beside the followers'. Leases are short, so that they run out.
 */
import { runIfMain, scenario, workload } from "orrery";

const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };
const hosts = ["alpha", "beta", "gamma"] as const;
const near = { latencyUs: 40, jitterUs: 10 } as const;

export default scenario({
  name: "guards",
  description: "A protected VM whose disk has an owner, started again and taken over.",
  seed: 1,
  durationMs: 3_000,
  hosts: hosts.map((id) => ({ id, cores: 2, memoryMiB: 256 })),
  arrays: [
    {
      id: "array",
      readLatencyUs: 180,
      writeLatencyUs: 120,
      ownership: { heartbeatMs: 20, leaseMs: 80 },
    },
  ],
  links: [
    ...hosts.map((host) => ({
      between: [host, "array"] as const,
      latencyUs: 20,
      jitterUs: 10,
    })),
    { id: "logging", between: ["alpha", "beta"], latencyUs: 40, jitterUs: 40 },
    { between: ["alpha", "gamma"], ...near },
    { between: ["beta", "gamma"], ...near },
  ],
  vms: [
    {
      id: "ledger",
      host: "alpha",
      restartOn: ["gamma"],
      memoryMiB: 1,
      protection: { kind: "log-replay", host: "beta", heartbeatMs: 2, timeoutMs: 12 },
      guest: workload(
        [
          {
            name: "serve",
            durationMs: 80,
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
              { to: "client", messagesPerSecond: 300, sizeBytes: 500, transport: "stream" },
            ],
          },
          rest,
        ],
        { bootMs: 2 },
      ),
      disks: [{ id: "data", on: "array", sizeMiB: 1, cacheMode: "writethrough" }],
    },
    {
      id: "client",
      host: "gamma",
      memoryMiB: 1,
      guest: workload(
        [
          {
            name: "ask",
            durationMs: 80,
            network: [{ to: "ledger", messagesPerSecond: 200, transport: "stream" }],
          },
          rest,
        ],
        { bootMs: 2 },
      ),
      disks: [],
    },
  ],
  timeline: [
    { id: "first", atMs: 10, do: "snapshot", vm: "ledger" },
    { id: "taken", atMs: 40, do: "take-over", vm: "ledger", host: "beta" },
    { id: "back", after: "taken.ended", delayMs: 20, do: "restart", vm: "ledger", host: "alpha" },
  ],
  faults: [{ kind: "power-loss", domain: "alpha", atMs: 24.3, restartAfterMs: 60 }],
  search: {
    operations: [
      "snapshot",
      "revert",
      "delete-snapshot",
      "backup",
      "take-over",
      "power-off",
      "power-on",
      "restart",
      "stun",
      "unstun",
      "checkpoint",
    ],
  },
});

await runIfMain(import.meta);
