/**
 * A hypervisor that guards the integrity of its guests (US 11,379,385; US 10,430,223): a driver in the
 * guest protects pages, and from its one entry point alone it changes what it protects.
 *
 * The modelled `ledger` updates its driver's data 50 times a second, sometimes interrupted, and nobody
 * hears of it; eleven attacks raise an alert each, and the calls of two of them another one. In the middle
 * it is suspended, resumed lazily, saved again while pages are still absent, and moved to another host
 * meanwhile: no alert is lost there, none is repeated. `guarded` is a real RISC-V guest whose
 * driver protects real code (core/guest/rv64/samples/guard) and is attacked in every way it knows;
 * `sentry` is one that is attacked again and again, and takes the same way as the ledger.
 */
import { runIfMain, scenario } from "orrery";

export default scenario({
  name: "guest-integrity",
  description:
    "Guest integrity: legal updates stay silent, attacks raise alerts, across checkpoint and migration.",
  seed: 4,
  durationMs: 600,
  hosts: [
    { id: "alpha", cores: 4, memoryMiB: 4_096 },
    { id: "beta", cores: 4, memoryMiB: 4_096 },
  ],
  arrays: [{ id: "array", readLatencyUs: 150, writeLatencyUs: 100 }],
  links: [
    { between: ["alpha", "array"], bandwidthMbps: 10_000 },
    { between: ["beta", "array"], bandwidthMbps: 10_000 },
    { id: "moving", between: ["alpha", "beta"], bandwidthMbps: 10_000, latencyUs: 40 },
  ],
  vms: [
    {
      id: "ledger",
      host: "alpha",
      memoryMiB: 64,
      vcpus: 2,
      guest: {
        kind: "workload",
        bootMs: 20,
        phases: [
          {
            name: "work",
            durationMs: 60_000,
            cpu: { busyPercent: 20 },
            memory: { workingSetMiB: 16, writesPerSecond: 3_000, readsPerSecond: 6_000 },
          },
        ],
        integrity: {
          protect: [
            { atMiB: 32, pages: 16 },
            { atMiB: 40, pages: 2 },
          ],
          updateEveryMs: 20,
          updateUs: 500,
          interruptEvery: 3,
          interruptUs: 100,
          attacks: [
            { atMs: 30 },
            { atMs: 45, by: "forged-entry", on: "data" },
            { atMs: 60, by: "unprotect" },
            { atMs: 75, on: "code" },
            { atMs: 90, on: "data", when: "in-update" },
            { atMs: 110, on: "data", when: "in-interrupt" },
            { atMs: 130, by: "driver", when: "in-update" },
            { atMs: 150, by: "device" },
            { atMs: 190, on: "data" },
            { atMs: 200, when: "in-update", on: "data" },
            { atMs: 400, by: "device" },
          ],
        },
      },
      disks: [],
    },
    {
      id: "guarded",
      host: "beta",
      memoryMiB: 1,
      vcpus: 2,
      guest: { kind: "rv64", file: "core/guest/rv64/samples/guard/guard.elf", firmware: true },
      disks: [{ id: "data", on: "array", sizeMiB: 1 }],
    },
    {
      id: "sentry",
      host: "alpha",
      memoryMiB: 8,
      vcpus: 2,
      guest: { kind: "rv64", file: "core/guest/rv64/samples/guard/sentry.elf", firmware: true },
      disks: [],
    },
  ],
  timeline: [
    { id: "sleep", do: "suspend", vm: "ledger", on: "array", atMs: 200 },
    { id: "wake", do: "resume", vm: "ledger", on: "array", after: "sleep.complete" },
    { id: "save", do: "checkpoint", vm: "ledger", on: "array", after: "wake.goesOn", delayMs: 2 },
    {
      id: "move",
      do: "migrate",
      vm: "ledger",
      to: "beta",
      after: "wake.goesOn",
      delayMs: 4,
      minMbps: 4_000,
      maxMbps: 8_000,
      stopBelowKiB: 1_024,
    },
    { id: "sleep-2", do: "suspend", vm: "sentry", on: "array", atMs: 90 },
    { id: "wake-2", do: "resume", vm: "sentry", on: "array", after: "sleep-2.complete" },
    { id: "save-2", do: "checkpoint", vm: "sentry", on: "array", after: "wake-2.goesOn" },
    {
      id: "move-2",
      do: "migrate",
      vm: "sentry",
      to: "beta",
      after: "wake-2.goesOn",
      delayMs: 1,
      minMbps: 2_000,
    },
  ],
  expect: [
    { vm: "ledger", state: "running", host: "beta", alerts: 13 },
    { vm: "guarded", state: "off", alerts: 18 },
    { vm: "sentry", state: "off", host: "beta", alerts: 170 },
  ],
});

await runIfMain(import.meta);
