/**
 * The host of an operation is lost, and a request that it had sent is still on its way. The VM is
 * started on another host, which settles what the operation had begun; the request comes at any
 * step of that, or after it. Or the host lives, is cut off from the array, and goes on when it is
 * back. It must not change what was decided, nor leave anything behind. The disks have owners:
 * without, nothing tells a late intent of a lost host from one of now.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  CRASHES_MS,
  expectRunning,
  intentsOf,
  outcomesOf,
  sampled,
} from "../testing/crash-points.ts";
import { type Cut, cutsOf, withCut } from "../testing/cut-off.ts";
import { tryEachOfLost } from "../testing/late-messages.ts";
import {
  documentFor,
  hostOf,
  OPERATIONS_BY_NAME,
  recoveryMs,
  type Tried,
} from "../testing/disk-operations.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** From the start elsewhere on until all is settled. */
const SETTLED_MS = 1_700;
/** Of the points at which a host is cut off. */
const EVERY_CUT = 3;
const BACK_MS = 9_000;

function documentOf(tried: Tried): ScenarioDocument {
  const { vm = "db" } = tried;
  const timeline = [
    { id: "on", atMs: recoveryMs(tried), do: "restart", vm, host: "gamma" },
    { id: "above", after: "on.complete", delayMs: 50, do: "snapshot", vm },
    { id: "again", after: "above.complete", delayMs: 200, do: "restart", vm, host: "gamma" },
  ] as const;
  return documentFor(tried, { timeline, settledMs: SETTLED_MS });
}

describe.each(OPERATIONS_BY_NAME)("%s", (_name, tried) => {
  it(
    "is settled for good, whatever its lost host had sent and whenever that comes",
    () => {
      const { operation, vm = "db" } = tried;
      const builder = builderOf(documentOf(tried));
      const world = builder.build({ seed: 1 });
      world.run({ untilNs: fromMs(operation.atMs!) - 1 });
      const trials = tryEachOfLost(world, {
        array: "array",
        every: 2,
        everyStep: 17,
        endMs: recoveryMs(tried) + SETTLED_MS,
        isRecovery: (id) => id.startsWith("on"),
        settled({ above, again }, where) {
          const complete = { above: "complete", again: "complete" };
          expect({ above, again }, where).toEqual(complete);
          expect(intentsOf(world), where).toEqual([]);
          expectRunning(world, vm, where);
        },
      });
      expect(trials).toBeGreaterThan(3);
    },
    CRASHES_MS,
  );

  it(
    "ends, and is settled for good, whenever its host is cut off until another one has the disks",
    () => {
      const ends = new Set<string>();
      const cuts = cutsOf(documentOf(tried), "op", recoveryMs(tried));
      expect(cuts.length).toBeGreaterThan(8);
      for (const cut of sampled(cuts, EVERY_CUT)) ends.add(cutOff(tried, cut));
      expect(ends).toContain("complete");
    },
    CRASHES_MS,
  );
});

/** How the operation ends whose host is cut off then. */
function cutOff(tried: Tried, cut: Cut): string {
  const { operation, vm = "db" } = tried;
  const small = documentOf(tried);
  const timeline = small.timeline!.map((entry) =>
    entry.id === "on" ? { ...entry, do: "take-over" } : entry,
  );
  const durationMs = operation.atMs! + BACK_MS;
  const longer = { ...small, durationMs, timeline } as ScenarioDocument;
  const world = builderOf(withCut(longer, "op", cut, [hostOf(tried), "array"])).build({ seed: 1 });
  const ended = outcomesOf(world);
  world.run({ untilNs: fromMs(durationMs) });
  const where = `cut off ${cut.delayUs} us after ${cut.phase}`;
  const { op, above, again } = ended;
  expect({ above, again }, where).toEqual({ above: "complete", again: "complete" });
  expect(op, where).toBeDefined();
  expect(intentsOf(world), where).toEqual([]);
  expectRunning(world, vm, where);
  return op!;
}
