/**
 * Linked clones between disks of different formats, and onto disks with points in time of their own,
 * by the words of a timeline: the clone runs, goes back to its own points, is made a full one or
 * moved to the other format while it runs. A refusal says why.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  intentsOf,
  outcomesOf,
  sampled,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

type Kind = "cow" | "redo";
type Entries = NonNullable<ScenarioDocument["timeline"]>;

function documentOf(source: Kind, clone: Kind, timeline: Entries): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 5, durationMs: 90, thinkTimeUs: 2_500, readPercent: 30 });
  const disks = (kind: Kind) => db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8, kind }));
  const twin = { ...db!, guest, id: "twin", host: "beta", restartOn: ["alpha"] };
  return {
    ...small,
    arrays: small.arrays!.map((array) => ({ ...array, kind: "cow" as const, chunkKiB: 64 })),
    vms: [
      { ...db!, guest, disks: disks(source) },
      { ...twin, disks: disks(clone) },
    ] as never,
    timeline: [{ id: "first", atMs: 40, do: "snapshot", vm: "db" }, ...timeline],
  };
}

const OWN: Entries = [
  { id: "own", atMs: 60, do: "snapshot", vm: "twin" },
  { id: "off", atMs: 100, do: "power-off", vm: "twin" },
];
const LINK: Entries = [
  { id: "link", atMs: 120, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
  { id: "on", after: "link.complete", do: "power-on", vm: "twin" },
];
const SECOND: Entries = [
  { id: "second", after: "on.complete", delayMs: 30, do: "snapshot", vm: "twin" },
];

function outcomes(document: ScenarioDocument, untilMs = 900): { [id: string]: string } {
  const world = builderOf(document).build({ seed: 1 });
  const ended = outcomesOf(world);
  world.run({ untilNs: fromMs(untilMs) });
  expectRunning(world, "db", "the end");
  expectRunning(world, "twin", "the end");
  expect(intentsOf(world)).toEqual([]);
  const mine = Object.entries(ended).filter(([id]) => !id.includes("."));
  return Object.fromEntries(mine);
}

const complete = (ended: { [id: string]: string }): void =>
  expect(new Set(Object.values(ended))).toEqual(new Set(["complete"]));

describe("a linked clone", () => {
  it.each(["cow", "redo"] as const)("of %s disks keeps the points of its own", (kind) => {
    const back: Entries = [
      { id: "back", after: "second.complete", delayMs: 20, ...RESTART, point: "own" },
      { id: "third", after: "back.complete", delayMs: 50, do: "snapshot", vm: "twin" },
      { id: "less", after: "third.complete", delayMs: 5, ...FORGET, point: "own" },
      { id: "full", after: "less.complete", delayMs: 20, do: "promote", vm: "twin" },
    ];
    const ended = outcomes(documentOf(kind, kind, [...OWN, ...LINK, ...SECOND, ...back]));
    const { full, ...rest } = ended;
    complete(rest);
    // The revert took it off the source.
    expect(full).toBe(kind === "cow" ? "complete" : "snapshots-above");
  });

  it("on redo logs takes the place of copy-on-write disks", () => {
    const off: Entries = [{ id: "off", atMs: 100, do: "power-off", vm: "twin" }];
    const after: Entries = [
      { id: "less", after: "second.complete", delayMs: 5, ...FORGET, point: "second" },
      { id: "full", after: "less.complete", delayMs: 20, do: "promote", vm: "twin" },
    ];
    complete(outcomes(documentOf("redo", "cow", [...off, ...LINK, ...SECOND, ...after])));
  });

  it("on redo logs becomes copy-on-write, a full one, while it runs", () => {
    const move: Entries = [
      { id: "move", after: "second.complete", delayMs: 5, ...TO_COW },
      { id: "third", after: "move.complete", delayMs: 5, do: "snapshot", vm: "twin" },
      { id: "free", after: "third.complete", delayMs: 5, ...FORGET, vm: "db", point: "first" },
    ];
    complete(outcomes(documentOf("redo", "redo", [...OWN, ...LINK, ...SECOND, ...move])));
  });

  it.each(["redo", "cow"] as const)("of %s disks is refused onto points of the other", (kind) => {
    const other = kind === "redo" ? "cow" : "redo";
    const on: Entries = [{ id: "again", after: "link.mixed-formats", do: "power-on", vm: "twin" }];
    const ended = outcomes(documentOf(kind, other, [...OWN, LINK[0]!, ...on]));
    expect([ended["link"], ended["again"]]).toEqual(["mixed-formats", "complete"]);
  });
});

const RESTART = { do: "revert", vm: "twin", restart: true } as const;
const FORGET = { do: "delete-snapshot", vm: "twin" } as const;
const TO_COW = { do: "migrate-disk-format", vm: "twin", to: "cow", copyKiB: 64 } as const;

describe("a linked clone on its way to copy-on-write", () => {
  it(
    "is one or a full copy when its host is lost, and its source never notices",
    () => {
      const move: Entries = [{ id: "move", after: "second.complete", delayMs: 5, ...TO_COW }];
      const document = documentOf("redo", "redo", [...OWN, ...LINK, ...SECOND, ...move]);
      const world = builderOf(document).build({ seed: 1 });
      let begun = Infinity;
      world.hooks.onNotice = ({ kind, data }) => {
        if (kind === "operation-end" && data["id"] === "second") begun = world.timeNs;
      };
      runUntil(world, () => begun < Infinity);
      const isMeant = (id: string): boolean => /^move(\.|$)/.test(id);
      const points = crashPoints(world, fromMs(600), isMeant);
      expect(points.length).toBeGreaterThan(40);
      afterEach(world, captureWorld(world), sampled(points, 13), ({ at }) => {
        crash(world, "beta");
        world.run({ untilNs: fromMs(3_500) });
        expectRunning(world, "twin", `host lost at ${at}`);
        expectRunning(world, "db", `host lost at ${at}`);
        expect(intentsOf(world), at).toEqual([]);
      });
    },
    CRASHES_MS,
  );
});

function runUntil(world: World, holds: () => boolean): void {
  while (!holds()) world.run({ untilEvent: world.eventCount + 1 });
  world.hooks = {};
}
