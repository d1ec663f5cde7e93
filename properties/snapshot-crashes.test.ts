/**
 * Snapshots of a running VM, with its host or the array lost at every event of the operation. After
 * each: the VM comes back, what the guest was promised is there, points in time are as they were,
 * and no volume or descriptor is left over.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../core/vmm/index.ts";
import { builderOf, smallDatacenter } from "./testing/small-datacenter.ts";

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

function violations(world: World): string[] {
  return world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);
}

function descriptorsLeft(world: World): string[] {
  const array = world.named("array").durable as unknown as {
    files: { [key: string]: { value?: unknown } };
  };
  return Object.keys(array.files).filter((key) => array.files[key]!.value !== undefined);
}

describe("a snapshot cut short", () => {
  it("by the loss of its host, at every event", () => {
    const { world, first, last } = beforeSecond();
    const image = captureWorld(world);
    expect(last - first).toBeGreaterThan(20);
    for (let event = first; event <= last; event++) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      world.crash(world.registry.domainNamed("alpha")!, "test");
      world.run({ untilNs: END_NS });
      world.finish();
      expect(violations(world), `host lost after event ${event}`).toEqual([]);
      expect(powerStateOf(vmRecordOf(world, "db"))).toBe("running");
      expect(vmRecordOf(world, "db").durable.host).toBe("beta");
      expect(descriptorsLeft(world)).not.toContain("file:db.intent");
    }
  }, 180_000);

  it("by the loss of the array, at every event; it comes back and the VM goes on", () => {
    const { world, first, last } = beforeSecond();
    const image = captureWorld(world);
    for (let event = first; event <= last; event += 5) {
      restoreWorld(world, image);
      world.run({ untilEvent: event });
      const array = world.registry.domainNamed("array")!;
      world.crash(array, "test");
      world.run({ untilNs: fromMs(900) });
      world.restart(array);
      world.run({ untilNs: END_NS + fromMs(3_000) });
      world.finish();
      expect(violations(world), `array lost after event ${event}`).toEqual([]);
      expect(powerStateOf(vmRecordOf(world, "db")), `after event ${event}`).toBe("running");
      expect(world.activeOperations, `after event ${event}`).toBe(0);
    }
  }, 180_000);

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
