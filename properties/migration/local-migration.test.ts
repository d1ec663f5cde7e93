/**
 * A VM that moves with its local disks, with either host lost, or the link between them cut, at every
 * phase. After each: nothing was broken, the VM runs where its disks are, nothing of them is elsewhere,
 * and nobody remembers the move.
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  captureWorld,
  type Entity,
  fromMs,
  type PlainObject,
  type Request,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { diskContent, type DiskEntity } from "../../core/platform/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import {
  type CrashPoint,
  crashPoints,
  onceEach,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import { localMove } from "../testing/local-move.ts";
import { tellLink } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const BEGIN_NS = fromMs(300);
const END_NS = fromMs(9_000);

let world: World;
let image: WorldImage;
let points: readonly CrashPoint[];

beforeAll(() => {
  world = builderOf(localMove()).build({ seed: 1 });
  world.run({ untilNs: BEGIN_NS - 1 });
  image = captureWorld(world);
  points = onceEach(crashPoints(world, fromMs(1_500), (id) => /^(move|db.start-run)/.test(id)));
});

const domain = (name: string): number => world.registry.domainNamed(name)!;

const held = (medium: string): number =>
  diskContent(world.named(medium) as unknown as DiskEntity).allocatedRuns().length;

/** Media that hold anything. */
const used = (): string[] =>
  ["alpha/ssd", "alpha/hdd", "beta/ssd", "beta/hdd"].filter((medium) => held(medium) > 0);

const notes = (): PlainObject[] =>
  ["alpha", "beta"].map((host) => world.named(`${host}/migration`).durable);

const crash = (name: string) => () => world.crash(domain(name), "test");
const restart = (name: string) => () => world.restart(domain(name));

/** What is lost, and how long it stays away. */
const LOSSES: readonly [string, number, () => void, () => void][] = [
  ["the source", 600, crash("alpha"), restart("alpha")],
  ["the destination", 600, crash("beta"), restart("beta")],
  ["the link for a moment", 300, () => tellLink(world, "cut"), () => tellLink(world, "heal")],
  ["the link for long", 3_500, () => tellLink(world, "cut"), () => tellLink(world, "heal")],
];

/** Runs the document until the move has ended; how it ended. */
function outcomeOf(at: World): PlainObject {
  const ended: PlainObject[] = [];
  at.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "move") ended.push(data);
  };
  at.run({ untilNs: fromMs(1_500) });
  at.hooks = {};
  return ended[0]!;
}

describe("a VM that moves with its local disks", () => {
  it("arrives with them, and leaves nothing behind", () => {
    restoreWorld(world, image);
    world.run({ untilNs: END_NS });
    world.finish();
    expect(violations(world)).toEqual([]);
    const places = { data: "beta/ssd", log: "beta/hdd" };
    expect(vmRecordOf(world, "db").durable).toMatchObject({ host: "beta", run: 1, places });
    expect(used()).toEqual(["beta/ssd", "beta/hdd"]);
    expect(notes()).toEqual([{}, {}]);
    expect(points.length).toBeGreaterThan(25);
  });

  it.each(["pre-copy", "fixed-rate", "stop-and-copy", "post-copy"])(
    "comes back by %s to where it was",
    (algorithm) => {
      const there = localMove({ algorithm });
      const back = { ...there.timeline![0]!, id: "back", atMs: 1_400, to: "alpha" };
      const both = { ...there, timeline: [...there.timeline!, back] } as typeof there;
      const round = builderOf(both).build({ seed: 3 });
      const outcomes: unknown[] = [];
      round.hooks.onNotice = ({ kind, data }) => {
        if (kind === "operation-end" && /^(move|back)$/.test(String(data["id"]))) {
          outcomes.push(data["outcome"]);
        }
      };
      round.run({ untilNs: fromMs(4_000) });
      round.finish();
      expect(outcomes).toEqual(["complete", "complete"]);
      expect(violations(round)).toEqual([]);
      const { host, places } = vmRecordOf(round, "db").durable;
      expect({ host, places }).toEqual({
        host: "alpha",
        places: { data: "alpha/ssd", log: "alpha/hdd" },
      });
    },
  );

  it.each(LOSSES)(
    "survives the loss of %s, at every phase",
    (name, awayMs, lose, comeBack) => {
      const places = new Set<string>();
      const every = name.startsWith("the link") ? 2 : 1;
      for (const { event, at } of sampled(points, every)) {
        restoreWorld(world, image);
        world.run({ untilEvent: event });
        lose();
        world.run({ untilNs: world.timeNs + fromMs(awayMs) });
        comeBack();
        world.run({ untilNs: END_NS });
        world.finish();
        const after = `${name} lost at ${at}, after event ${event}`;
        expect(violations(world), after).toEqual([]);
        const { host } = vmRecordOf(world, "db").durable;
        expect(powerStateOf(vmRecordOf(world, "db")), after).toBe("running");
        expect(used(), after).toEqual([`${host}/ssd`, `${host}/hdd`]);
        expect(notes(), after).toEqual([{}, {}]);
        expect(world.activeOperations, after).toBe(0);
        places.add(host);
      }
      expect(places).toContain("beta");
      if (name !== "the link for a moment") expect(places).toContain("alpha");
    },
    180_000,
  );

  it.each([
    ["no-disk", []],
    ["no-disk", [{ id: "one", sizeMiB: 64 }]],
    [
      "no-space",
      [
        { id: "one", sizeMiB: 2 },
        { id: "two", sizeMiB: 3 },
      ],
    ],
  ])("is refused: %s", (code, media) => {
    const refusing = builderOf(localMove({}, media)).build({ seed: 1 });
    expect(outcomeOf(refusing)["outcome"]).toBe(code);
    expect(powerStateOf(vmRecordOf(refusing, "db"))).toBe("running");
    expect(refusing.checker.violations).toEqual([]);
  });

  it("stays, and its guest hears of nothing, when a medium there fails", () => {
    restoreWorld(world, image);
    world.run({ untilNs: BEGIN_NS + fromMs(20) });
    const body = { kind: "no-space", on: true };
    const request = { from: 0, askId: 0, delivery: "stream", via: -1, body } as Request;
    world.call(world.named("beta/ssd"), "arm-fault", request as never);
    expect(outcomeOf(world)).toMatchObject({ outcome: "target-error", detail: "no-space" });
    world.run({ untilNs: END_NS });
    world.finish();
    expect(vmRecordOf(world, "db").durable).toMatchObject({ host: "alpha", run: 1, power: "on" });
    expect(used()).toEqual(["alpha/ssd", "alpha/hdd"]);
    expect(notes()).toEqual([{}, {}]);
    expect(violations(world)).toEqual([]);
  });

  it("is not started where its disks are not", () => {
    restoreWorld(world, image);
    world.run({ untilNs: fromMs(1_200) });
    world.crash(domain("beta"), "test");
    world.run({ untilNs: fromMs(2_500) });
    expect(powerStateOf(vmRecordOf(world, "db"))).not.toBe("running");
    world.restart(domain("beta"));
    world.run({ untilNs: END_NS });
    expect(vmRecordOf(world, "db").durable.host).toBe("beta");
    expect(powerStateOf(vmRecordOf(world, "db"))).toBe("running");
    expect(violations(world)).toEqual([]);
  });

  it.each([
    ["copying without a lock", { lock: "none" }],
    ["giving away before the flush", { unflushed: true }],
  ])("canary: %s is noticed", (_name, careless) => {
    let found = "";
    for (let seed = 1; seed <= 8 && found === ""; seed++) {
      const slow = { writeLatencyUs: 4_000 };
      const hasty = builderOf(localMove({}, undefined, slow)).build({ seed });
      hasty.hooks.onNotice = ({ kind, data }) => {
        if (kind !== "operation" || data["id"] !== "move") return;
        const move = hasty.named("move") as Entity;
        Object.assign((move.config as { params: PlainObject }).params, { careless });
      };
      hasty.run({ untilNs: fromMs(1_500) });
      found = hasty.checker.violations.map(({ message }) => message).join();
    }
    expect(found).toMatch(/is not on beta\/\w+ as it was seen/);
  });
});
