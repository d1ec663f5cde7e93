/**
 * Three real RISC-V machines: two on different hosts exchange frames over a link that loses some, the
 * third works on a disk of an array and is stunned in the middle. Their programs are in
 * core/guest/rv64/samples/world; nothing is downloaded.
 */
import { runIfMain, scenario } from "orrery";

const TALK = "core/guest/rv64/samples/world/talk.elf";
const WORKER = "core/guest/rv64/samples/world/worker.elf";

export default scenario({
  name: "rv64-hello",
  description:
    "Two bare-metal RISC-V guests exchange packets over a lossy link, a third one works on a disk.",
  seed: 3,
  durationMs: 120,
  hosts: [
    { id: "alpha", cores: 4, memoryMiB: 4_096 },
    { id: "beta", cores: 4, memoryMiB: 4_096 },
  ],
  arrays: [{ id: "array", readLatencyUs: 120, writeLatencyUs: 80 }],
  links: [
    { between: ["alpha", "beta"], bandwidthMbps: 1_000, latencyUs: 50, lossPerMillion: 50_000 },
    { between: ["beta", "array"], bandwidthMbps: 10_000, latencyUs: 20 },
  ],
  vms: [
    {
      id: "asker",
      host: "alpha",
      memoryMiB: 1,
      guest: { kind: "rv64", file: TALK, network: [{ to: "answerer", mac: "02:00:00:00:00:01" }] },
    },
    {
      id: "answerer",
      host: "beta",
      memoryMiB: 1,
      guest: { kind: "rv64", file: TALK, network: [{ to: "asker", mac: "02:00:00:00:00:02" }] },
    },
    {
      id: "worker",
      host: "beta",
      memoryMiB: 1,
      guest: { kind: "rv64", file: WORKER },
      disks: [{ id: "data", on: "array", sizeMiB: 1 }],
    },
  ],
  timeline: [
    { id: "stun", do: "stun", vm: "worker", atMs: 20 },
    { id: "unstun", do: "unstun", vm: "worker", after: "stun.complete", delayMs: 7 },
  ],
  expect: [
    { vm: "asker", state: "off" },
    { vm: "answerer", state: "off" },
    { vm: "worker", state: "off" },
  ],
});

await runIfMain(import.meta);
