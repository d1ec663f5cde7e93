/**
 * A VM of 64 GiB moves, and is checkpointed, 4 million of its 16 million pages being written; by
 * `ORRERY_EXHAUSTIVE=1`.
 */
import { describe, expect, it } from "vitest";
import { runLargeVm } from "../testing/large-vm.ts";

describe.runIf(process.env["ORRERY_EXHAUSTIVE"] !== undefined)("a VM of 64 GiB", () => {
  it.each([
    ["moves", "move"],
    ["is checkpointed", "checkpoint"],
  ] as const)(
    "%s within 1 GiB of memory",
    (_what, operation) => {
      let most = 0;
      const { world, outcome } = runLargeVm(operation, () => {
        most = Math.max(most, process.memoryUsage.rss());
      });
      expect(outcome).toBe("complete");
      expect(world.checker.violations).toEqual([]);
      expect(most).toBeLessThan(2 ** 30);
    },
    300_000,
  );
});
