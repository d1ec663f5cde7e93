/**
 * The answer to the write that opens an intent is lost on its way. The operation must not leave the
 * intent behind: it finds out that the intent is its own and goes on, or that there is none and
 * opens it; otherwise each later operation of the VM would be refused until its next power-on.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { expectRunning, intentsOf, outcomesOf } from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

type Entries = NonNullable<ScenarioDocument["timeline"]>;

function documentOf(kind: "redo" | "cow", operation: Entries[number]): ScenarioDocument {
  const small = smallDatacenter();
  const [array] = small.arrays!;
  const [db] = small.vms!;
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const link = (host: string) => ({ id: `${host}-array`, between: [host, "array"] });
  const after = { id: "after", atMs: 9_000, do: "snapshot", vm: "db" } as const;
  return {
    ...small,
    durationMs: 12_000,
    links: [link("alpha"), link("beta")] as never,
    arrays: [{ ...array!, ...(kind === "cow" && { kind }) } as never],
    vms: [
      { ...db!, disks },
      { ...db!, disks, id: "twin", host: "beta", poweredOn: false },
    ] as never,
    timeline: [{ id: "first", atMs: 100, do: "snapshot", vm: "db" }, operation, after],
  };
}

const START_NS = fromMs(300);
const HEAL_NS = fromMs(7_000);

/** The event before the write of the intent is sent, or before it is served; the world is as it was. */
function eventBefore(world: World, moment: "sent" | "served"): number {
  const image = captureWorld(world);
  let found = 0;
  world.hooks.onNotice = ({ kind, data, event }) => {
    const isSent = data["id"] === "op.open-intent" && data["phase"] === "write";
    const isServed = kind === "durable" && /^file .*intent$/.test(String(data["label"]));
    if (moment === "sent" ? isSent : isServed) found ||= event - 1;
  };
  world.run({ untilNs: START_NS + fromMs(200) });
  world.hooks = {};
  restoreWorld(world, image);
  expect(found).toBeGreaterThan(0);
  return found;
}

function cutLink(world: World, host: string, from: string, how: "cut" | "heal"): void {
  const request = { body: { from: world.registry.domainNamed(from)! } };
  world.call(world.named(`${host}-array`), how, request as never);
}

const DB = { id: "op", atMs: 300, vm: "db" } as const;

describe.each([
  ["snapshot", "redo", { ...DB, do: "snapshot" }, "alpha"],
  ["snapshot", "cow", { ...DB, do: "snapshot" }, "alpha"],
  ["consolidate", "redo", { ...DB, do: "consolidate", point: "first" }, "alpha"],
  ["linked-clone", "redo", { ...DB, do: "linked-clone", point: "first", clone: "twin" }, "beta"],
] as const)("%s of disks of kind %s", (_name, kind, operation, host) => {
  it.each([
    ["the answer", "array", "served"],
    ["the request", host, "sent"],
  ] as const)("goes on when %s of its intent is late", (_what, from, moment) => {
    const world = builderOf(documentOf(kind, operation)).build({ seed: 1 });
    world.run({ untilNs: START_NS - 1 });
    const cut = eventBefore(world, moment);
    const outcomes = outcomesOf(world);
    world.run({ untilEvent: cut });
    cutLink(world, host, from, "cut");
    world.run({ untilNs: HEAL_NS });
    expect(outcomes["op"]).toBeUndefined();
    cutLink(world, host, from, "heal");
    world.run({ untilNs: fromMs(14_000) });
    expectRunning(world, "db", `cut in event ${cut}`);
    expect(outcomes).toMatchObject({ op: "complete", after: "complete" });
    expect(intentsOf(world)).toEqual([]);
  });
});

it("an intent that nobody closes is noticed by the next operation (canary)", () => {
  const world = builderOf(documentOf("redo", { ...DB, do: "snapshot" })).build({ seed: 1 });
  world.run({ untilNs: fromMs(8_000) });
  const outcomes = outcomesOf(world);
  const { files } = world.named("array").editDurable() as unknown as { files: object };
  const value = { kind: "snapshot", operation: "gone", vm: "db", descriptors: {} };
  Object.assign(files, { "file:db.intent": { version: 9, value } });
  world.run({ untilNs: fromMs(12_000) });
  expect(outcomes["after"]).toBe("version-conflict");
});
