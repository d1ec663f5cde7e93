/**
 * A machine that outlives its host: a copy on another host follows the log of what its guest receives,
 * and everything that the guest puts out waits until the copy has the log up to it.
 *
 * A ledger answers a client while it writes to a shared array. In the middle of it the host loses
 * power. The follower wins the vote on the array, takes every step that was logged, seizes the disk,
 * sends the open requests again and goes on; the client sees one machine, that was silent for a while.
 */
import { runIfMain, scenario, workload } from "orrery";

export default scenario({
  name: "fault-tolerant",
  description:
    "A VM protected by log replay; its host loses power, and its backup goes on in its place.",
  seed: 5,
  durationMs: 1_200,
  hosts: [
    { id: "alpha", cores: 2, memoryMiB: 4_096, clock: { offsetUs: 200, driftPpm: 20 } },
    { id: "beta", cores: 2, memoryMiB: 4_096, clock: { offsetUs: -90, driftPpm: -15 } },
    { id: "gamma", cores: 2, memoryMiB: 4_096 },
  ],
  arrays: [{ id: "array", readLatencyUs: 180, writeLatencyUs: 120 }],
  links: [
    { between: ["alpha", "array"] },
    { between: ["beta", "array"] },
    { id: "logging", between: ["alpha", "beta"], bandwidthMbps: 10_000, latencyUs: 40 },
    { between: ["alpha", "gamma"], bandwidthMbps: 1_000 },
    { between: ["beta", "gamma"], bandwidthMbps: 1_000 },
  ],
  vms: [
    {
      id: "ledger",
      host: "alpha",
      memoryMiB: 512,
      protection: { kind: "log-replay", host: "beta", heartbeatMs: 5, timeoutMs: 50 },
      guest: workload([
        {
          name: "serve",
          durationMs: 60_000,
          cpu: { busyPercent: 25 },
          block: [
            {
              pacing: "closed",
              disk: "data",
              outstanding: 4,
              thinkTimeUs: 1_000,
              readPercent: 40,
              regionMiB: 4,
              flushEvery: 4,
            },
          ],
          network: [{ to: "client", messagesPerSecond: 800, sizeBytes: 500, transport: "stream" }],
        },
      ]),
      disks: [{ id: "data", on: "array", sizeMiB: 64 }],
    },
    {
      id: "client",
      host: "gamma",
      memoryMiB: 128,
      guest: workload([
        {
          name: "ask",
          durationMs: 60_000,
          network: [{ to: "ledger", messagesPerSecond: 400, transport: "stream" }],
        },
      ]),
      disks: [],
    },
  ],
  faults: [{ kind: "power-loss", domain: "alpha", atMs: 604.7 }],
  expect: [
    { vm: "ledger", state: "running", host: "beta" },
    { invariant: "a failover with disk requests outstanding", outcome: "reached" },
    { invariant: "a failover with outputs that were held", outcome: "reached" },
  ],
});

await runIfMain(import.meta);
