/**
 * A host that warns before it fails: its inlet gets hot, a sensor says so, and its VMs are moved to two
 * other hosts while they run, two at a time, the important ones first. One finds no room anywhere; it
 * stays, goes down with the host, and is restarted.
 */
import { runIfMain, scenario, workload } from "orrery";

const guest = (writesPerSecond: number) =>
  workload([
    {
      name: "serve",
      durationMs: 60_000,
      memory: {
        workingSetMiB: 32,
        readsPerSecond: 0,
        writesPerSecond,
        distribution: "zipf",
      },
      block: [
        {
          pacing: "open",
          disk: "data",
          requestsPerSecond: 40,
          readPercent: 60,
          regionMiB: 16,
          flushEvery: 8,
        },
      ],
    },
  ]);

const vm = (id: string, memoryMiB: number, priority: number, writesPerSecond: number) => ({
  id,
  host: "alpha",
  restartOn: ["beta", "gamma"],
  priority,
  memoryMiB,
  vcpus: 2,
  guest: guest(writesPerSecond),
  disks: [{ id: "data", on: "array", sizeMiB: 64 }],
});

export default scenario({
  name: "evacuation",
  description: "A host gets hot and fails; its VMs are moved away in time, but for one.",
  seed: 3,
  durationMs: 20_000,
  hosts: [
    {
      id: "alpha",
      cores: 8,
      memoryMiB: 8_192,
      sensors: [
        {
          id: "inletCelsius",
          nominal: 24,
          noise: 0.3,
          warningAt: 30,
          criticalAt: 40,
          periodMs: 500,
        },
      ],
      evacuation: { at: "warning", to: ["beta", "gamma"], parallel: 2, maxMbps: 2_500 },
    },
    { id: "beta", cores: 4, memoryMiB: 1_024 },
    { id: "gamma", cores: 4, memoryMiB: 1_000 },
  ],
  arrays: [{ id: "array", readLatencyUs: 150, writeLatencyUs: 100 }],
  links: [
    { between: ["alpha", "array"] },
    { between: ["beta", "array"] },
    { between: ["gamma", "array"] },
    { between: ["alpha", "beta"], bandwidthMbps: 2_500, latencyUs: 60 },
    { between: ["alpha", "gamma"], bandwidthMbps: 2_500, latencyUs: 60 },
  ],
  vms: [
    vm("ledger", 512, 10, 2_000),
    vm("mail", 512, 5, 1_000),
    vm("web", 256, 5, 500),
    vm("cache", 900, 1, 4_000),
    vm("build", 256, 0, 8_000),
  ],
  faults: [
    {
      kind: "degrade",
      atMs: 2_000,
      host: "alpha",
      sensor: "inletCelsius",
      reading: 48,
      overMs: 12_000,
      thenCrash: true,
      restartAfterMs: 1_000,
    },
  ],
  expect: [
    { vm: "ledger", state: "running" },
    { vm: "mail", state: "running" },
    { vm: "web", state: "running" },
    { vm: "cache", state: "running" },
    { vm: "build", state: "running" },
  ],
});

await runIfMain(import.meta);
