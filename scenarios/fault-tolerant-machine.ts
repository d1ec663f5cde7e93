/**
 * A real machine that outlives its host: another host executes the same instructions a little later,
 * from a log of what the machine received and at which instruction; what the machine puts out waits
 * until that log is there.
 *
 * The program (core/guest/rv64/samples/world/ledger.c) formats its disk and resets itself, then enters
 * random amounts, has each confirmed over the network, and waits to be closed from its console. In the
 * middle of that its host loses power: the copy goes on at the same instruction, with the same disk.
 */
import { runIfMain, scenario } from "orrery";

const instructionsPerSecond = 20_000_000;
const WORLD = "core/guest/rv64/samples/world";

export default scenario({
  name: "fault-tolerant-machine",
  description:
    "A RISC-V machine protected by log replay; its host loses power, and its copy goes on.",
  seed: 5,
  durationMs: 60,
  hosts: [
    { id: "alpha", cores: 2, memoryMiB: 1_024, clock: { offsetUs: 200, driftPpm: 20 } },
    { id: "beta", cores: 2, memoryMiB: 1_024, clock: { offsetUs: -90, driftPpm: -15 } },
    { id: "gamma", cores: 2, memoryMiB: 1_024 },
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
      memoryMiB: 1,
      protection: { kind: "log-replay", host: "beta", heartbeatMs: 1, timeoutMs: 8 },
      guest: {
        kind: "rv64",
        file: `${WORLD}/ledger.elf`,
        instructionsPerSecond,
        rng: true,
        network: [{ to: "confirmer", mac: "02:00:00:00:00:01" }],
        typed: [{ waitFor: "close?\n", delayMs: 0.5, text: "yes\n" }],
      },
      disks: [{ id: "data", on: "array", sizeMiB: 1 }],
    },
    {
      id: "confirmer",
      host: "gamma",
      memoryMiB: 1,
      guest: {
        kind: "rv64",
        file: `${WORLD}/talk.elf`,
        instructionsPerSecond,
        network: [{ to: "ledger", mac: "02:00:00:00:00:02" }],
      },
    },
  ],
  faults: [{ kind: "power-loss", domain: "alpha", atMs: 8.2 }],
  expect: [
    { vm: "ledger", state: "off" },
    { vm: "confirmer", state: "off" },
    { invariant: "a failover with outputs that were held", outcome: "reached" },
  ],
});

await runIfMain(import.meta);
