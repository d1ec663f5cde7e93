/**
 * A VM that is to be suspended while it is on its way to another host: it goes on there, or sleeps and
 * can be woken; whoever comes second is told `busy`, or that it is off.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import { powerStateOf, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import { outcomesOf, violations } from "../testing/crash-points.ts";
import { movingVm } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const MOVES = {
  "pre-copy": { algorithm: "pre-copy", maxMbps: 900, startUpMs: 1 },
  "post-copy": { algorithm: "post-copy", maxMbps: 400, startUpMs: 1 },
  "stop-and-copy": { algorithm: "stop-and-copy", maxMbps: 900, startUpMs: 1 },
} as const;
/** Of the suspend after the move begins: from before its first message to after its last. */
const DELAYS_MS = {
  "pre-copy": [-20, 0, 60, 120, 150, 180, 210, 240, 270, 300],
  "post-copy": [-20, -1, 0, 0.6, 1.2, 2, 4, 30, 60, 170],
  "stop-and-copy": [-20, 0, 2, 30, 60, 70, 75, 80],
};

function lived(move: object, delayMs: number, forgets = false) {
  const first = movingVm({ ...move });
  const sleep = { id: "sleep", atMs: 300 + delayMs, do: "suspend", vm: "db", on: "array" };
  const wake = { id: "wake", atMs: 1_400, do: "resume", vm: "db", on: "array", method: "eager" };
  const timeline = [...first.timeline!, sleep, wake] as never;
  const world = builderOf({ ...first, timeline }).build({ seed: 1 });
  const outcomes = outcomesOf(world);
  while (world.run({ untilNs: fromMs(2_500), untilEvent: world.eventCount + 1 }) === "event") {
    const run = forgets ? vmOf(vmRecordOf(world, "db")) : undefined;
    if (run?.volatile.stoppedBy !== undefined) run.edit().stoppedBy = -1;
  }
  world.finish();
  return { world, outcomes };
}

describe("a suspend beside a move", () => {
  it.each(Object.keys(MOVES) as (keyof typeof MOVES)[])("%s: one of them has it", (algorithm) => {
    const seen = new Set<string>();
    for (const delayMs of DELAYS_MS[algorithm]) {
      const { world, outcomes } = lived(MOVES[algorithm], delayMs);
      const { move, sleep, wake } = outcomes;
      const told = `move ${move}, sleep ${sleep}, wake ${wake}`;
      const where = `${delayMs} ms: ${told}`;
      expect(violations(world), where).toEqual([]);
      expect(powerStateOf(vmRecordOf(world, "db")), where).toBe("running");
      expect(world.activeOperations, where).toBe(0);
      expect(wake === "complete", where).toBe(sleep === "complete");
      seen.add(told);
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  it("canary: when nobody claims the stop, the VM is lost, or asleep while it runs", () => {
    const isOne = ({ world, outcomes }: ReturnType<typeof lived>): boolean =>
      world.activeOperations === 0 &&
      violations(world).length === 0 &&
      powerStateOf(vmRecordOf(world, "db")) === "running" &&
      (outcomes["wake"] === "complete") === (outcomes["sleep"] === "complete");
    const ends = DELAYS_MS["post-copy"].map((delayMs) =>
      isOne(lived(MOVES["post-copy"], delayMs, true)),
    );
    expect(ends).toContain(false);
  });
});
