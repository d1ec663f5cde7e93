/**
 * Snapshots of a running VM, with its host or the array lost at every event of the operation. After
 * each: the VM comes back, what the guest was promised is there, points in time are as they were,
 * and no volume or descriptor is left over.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import {
  afterEach,
  CRASHES_MS,
  type CrashPoint,
  filesOf,
  isRunning,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

const END_NS = fromMs(4_500);

/** A world right before the second snapshot, and the number of events that the snapshot takes. */
function beforeSecond(): { world: World; first: number; last: number } {
  const world = builderOf(smallDatacenter()).build({ seed: 1 });
  let ended = 0;
  world.hooks.onNotice = ({ kind, data, event }) => {
    if (kind === "operation-end" && data["id"] === "second") ended = event;
  };
  world.run({ untilNs: fromMs(600) - 1 });
  const first = world.eventCount;
  const image = captureWorld(world);
  world.run({ untilNs: fromMs(700) });
  world.hooks = {};
  restoreWorld(world, image);
  return { world, first, last: ended };
}

/** Every event of the operation, not only those in which something becomes durable. */
function everyEvent(first: number, last: number): CrashPoint[] {
  return Array.from({ length: last - first + 1 }, (_, at) => ({ event: first + at, at: "" }));
}

describe("a snapshot cut short", () => {
  it(
    "by the loss of its host, at every event",
    () => {
      const { world, first, last } = beforeSecond();
      expect(last - first).toBeGreaterThan(20);
      afterEach(world, captureWorld(world), everyEvent(first, last), ({ event }) => {
        world.crash(world.registry.domainNamed("alpha")!, "test");
        world.run({ untilNs: END_NS });
        world.finish();
        expect(violations(world), `host lost after event ${event}`).toEqual([]);
        expect(isRunning(world, "db"), `after event ${event}`).toBe(true);
        expect(vmRecordOf(world, "db").durable.host).toBe("beta");
        expect(filesOf(world)).not.toContain("db.intent");
      });
    },
    CRASHES_MS,
  );

  it(
    "by the loss of the array, at every event; it comes back and the VM goes on",
    () => {
      const { world, first, last } = beforeSecond();
      const some = sampled(everyEvent(first, last), 8);
      afterEach(world, captureWorld(world), some, ({ event }) => {
        const array = world.registry.domainNamed("array")!;
        world.crash(array, "test");
        world.run({ untilNs: fromMs(900) });
        world.restart(array);
        world.run({ untilNs: END_NS + fromMs(3_000) });
        world.finish();
        expect(violations(world), `array lost after event ${event}`).toEqual([]);
        expect(isRunning(world, "db"), `after event ${event}`).toBe(true);
        expect(world.activeOperations, `after event ${event}`).toBe(0);
      });
    },
    CRASHES_MS,
  );

  it("is noticed when its recovery forgets the half-made layers (canary)", () => {
    const { world, first, last } = beforeSecond();
    const middle = Math.floor((first + last) / 2);
    world.run({ untilEvent: middle });
    world.crash(world.registry.domainNamed("alpha")!, "test");
    const array = world.named("array");
    const { files } = array.editDurable() as unknown as { files: { [key: string]: object } };
    expect(Object.keys(files)).toContain("file:db.intent");
    files["file:db.intent"] = { version: 99 };
    world.run({ untilNs: END_NS });
    world.finish();
    expect(violations(world).join()).toMatch(/belongs to no chain/);
  });
});
