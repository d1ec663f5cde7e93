/**
 * As small as it can be and still have everything: two hosts, one VM with two disks, four operations
 * and two faults. `orrery explore --strategy exhaustive` tries every order of the operations and every
 * durable step for each fault.
 */
import { runIfMain, scenario, workload } from "orrery";

const writing = {
  pacing: "closed",
  readPercent: 40,
  regionMiB: 1,
  thinkTimeUs: 2_000,
  flushEvery: 1,
} as const;

export default scenario({
  name: "small-scope",
  description: "Two hosts, one VM, two disks; for the exhaustive search.",
  seed: 1,
  durationMs: 3_000,
  hosts: [
    { id: "alpha", cores: 1, memoryMiB: 1_024 },
    { id: "beta", cores: 1, memoryMiB: 1_024 },
  ],
  arrays: [{ id: "array", readLatencyUs: 100, writeLatencyUs: 100 }],
  links: [
    { between: ["alpha", "array"], latencyUs: 20 },
    { between: ["beta", "array"], latencyUs: 20 },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 64,
      guest: workload(
        [
          {
            name: "write",
            durationMs: 12,
            cpu: { busyPercent: 0 },
            block: [
              { ...writing, disk: "data" },
              { ...writing, disk: "log" },
            ],
          },
          { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } },
        ],
        { bootMs: 1 },
      ),
      disks: [
        { id: "data", on: "array", sizeMiB: 1 },
        { id: "log", on: "array", sizeMiB: 1 },
      ],
    },
  ],
  timeline: [
    { id: "first", atMs: 6, do: "snapshot", vm: "db" },
    { id: "second", atMs: 7, do: "snapshot", vm: "db" },
    { id: "merge", atMs: 8, do: "consolidate", vm: "db", point: "first" },
    { id: "back", atMs: 9, do: "revert", vm: "db", point: "first" },
  ],
  faults: [
    { kind: "crash", domain: "alpha", atStep: 1, restartAfterMs: 5 },
    { kind: "crash", domain: "array", atStep: 1, restartAfterMs: 5 },
  ],
});

await runIfMain(import.meta);
