/** A machine protected by another host, a client that it talks with, and the array that both share. */
import type { ScenarioDocument } from "../../scenarios/index.ts";

/** Links of such a pair that are cut together, and what that means. */
export const PARTITIONS: readonly (readonly [string, readonly string[]])[] = [
  ["the two hear nothing of each other", ["logging"]],
  ["the primary reaches neither the backup nor the array", ["logging", "alpha--array"]],
  ["the backup reaches neither the primary nor the array", ["logging", "beta--array"]],
];

export function protectedPair(changes: Partial<ScenarioDocument> = {}): ScenarioDocument {
  const log = { heartbeatMs: 1, timeoutMs: 5, maxLagMs: 50 };
  return {
    name: "protected-pair",
    seed: 1,
    durationMs: 200,
    hosts: ["alpha", "beta", "gamma"].map((id) => ({ id, cores: 2, memoryMiB: 1_024 })),
    arrays: [{ id: "array", readLatencyUs: 200, writeLatencyUs: 300 }],
    links: [
      { id: "alpha--array", between: ["alpha", "array"] },
      { id: "beta--array", between: ["beta", "array"] },
      { id: "logging", between: ["alpha", "beta"], bandwidthMbps: 50, latencyUs: 60 },
      { between: ["alpha", "gamma"] },
      { between: ["beta", "gamma"] },
    ],
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 64,
        protection: { kind: "log-replay", host: "beta", ...log },
        guest: {
          kind: "workload",
          bootMs: 2,
          phases: [
            {
              name: "serve",
              durationMs: 10_000,
              threads: 1,
              cpu: { busyPercent: 30 },
              block: [
                {
                  pacing: "closed",
                  disk: "data",
                  outstanding: 3,
                  thinkTimeUs: 100,
                  readPercent: 40,
                  sizeKiB: 4,
                  regionMiB: 1,
                  flushEvery: 5,
                },
              ],
              network: [
                { to: "client", messagesPerSecond: 3_000, sizeBytes: 300, transport: "stream" },
                { to: "client", messagesPerSecond: 1_000, sizeBytes: 80, transport: "datagram" },
              ],
            },
          ],
        },
        disks: [{ id: "data", on: "array", sizeMiB: 8 }],
      },
      {
        id: "client",
        host: "gamma",
        memoryMiB: 64,
        guest: {
          kind: "workload",
          bootMs: 1,
          phases: [
            {
              name: "ask",
              durationMs: 10_000,
              network: [{ to: "db", messagesPerSecond: 2_000, transport: "stream" }],
            },
          ],
        },
        disks: [],
      },
    ],
    ...changes,
  };
}
