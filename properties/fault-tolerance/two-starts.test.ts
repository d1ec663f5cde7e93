/**
 * A protected machine that is started at two hosts at once: at the one where it was, with a backup, and
 * alone at the one of its backup. One of them has it, and what is known of it is told by that one.
 */
import { expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import { type Protection, protectionName } from "../../core/fault-tolerance/protection.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { violations } from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const OFF_MS = 10;
/** A start takes some 2.5 ms: the other one from well before it to after its end. */
const STEP_MS = 0.11;
const STARTS = 40;

const twoStarts = (delayMs: number): ScenarioDocument => ({
  name: "two-starts",
  seed: 1,
  durationMs: 400,
  hosts: [
    { id: "alpha", cores: 1, memoryMiB: 4 },
    { id: "beta", cores: 1, memoryMiB: 4 },
  ],
  arrays: [{ id: "array" }],
  links: [
    { between: ["alpha", "array"] },
    { between: ["beta", "array"] },
    { between: ["alpha", "beta"] },
  ],
  vms: [
    {
      id: "web",
      host: "beta",
      memoryMiB: 1,
      protection: { kind: "log-replay", host: "alpha" },
      guest: { kind: "workload", phases: [{ name: "rest", durationMs: 1 }] },
      disks: [{ id: "data", on: "array", sizeMiB: 1 }],
    },
  ],
  timeline: [
    { id: "there", atMs: OFF_MS + delayMs, do: "restart", vm: "web", host: "beta" },
    { id: "here", atMs: OFF_MS + 2, do: "take-over", vm: "web", host: "alpha" },
  ],
});

it("leaves one, wherever in one start the other begins, and that one is known", () => {
  const primaries = new Set<string>();
  for (let at = 0; at < STARTS; at++) {
    const delayMs = at * STEP_MS;
    const world = builderOf(twoStarts(delayMs)).build({ seed: 1 });
    world.run({ untilNs: fromMs(400) });
    world.finish();
    const where = `the second start ${delayMs} ms after the first could begin`;
    expect(violations(world), where).toEqual([]);
    const { power, host } = vmRecordOf(world, "web").durable;
    const { primary } = (world.named(protectionName("web")) as unknown as Protection).durable;
    expect([power, primary], where).toEqual(["on", host]);
    primaries.add(primary);
  }
  expect(primaries).toEqual(new Set(["alpha", "beta"]));
});
