/**
 * An incremental backup holds all that changed, and nothing else than it was: drawn data, zeros and
 * discards go to the disks of a VM that is lost, moved, restarted, or whose snapshots come and go,
 * between one backup and the next. What each must hold is told by the writes alone.
 */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  fromMs,
  type PlainObject,
  type SectorContent,
  type World,
} from "../../core/kernel/index.ts";
import { type ArrayEntity } from "../../core/platform/index.ts";
import { runningView } from "../../core/disks/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  sampled,
} from "../testing/crash-points.ts";
import {
  answeredOf,
  becameZeros,
  type DiskWrite,
  drawWrites,
  finishWrites,
  regionOf,
  regionsAfter,
  startWrites,
} from "../testing/disk-writer.ts";
import { type Random, random } from "../testing/random.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import { contentOfBackup, type Entries, FULL, withVault } from "../testing/vault.ts";

type Kind = "redo" | "cow";
type Between = "nothing" | "loss" | "move" | "restart" | "points";

const DISKS = ["data", "log"];
const ROUND_MS = 7_000;
const BACKUP_MS = 6_000;

function worldOf(kind: Kind, timeline: Entries, durationMs: number): World {
  const cow = kind === "cow" ? ({ kind, disk: { kind } } as const) : {};
  const document = withVault(timeline, { workMs: 60, ...cow });
  const between = { id: "between", between: ["alpha", "beta"], bandwidthMbps: 10_000 } as const;
  return builderOf({
    ...document,
    durationMs,
    links: [...document.links!, between],
    vms: document.vms!.map((vm) => ({ ...vm, memoryMiB: 8, restartOn: ["alpha", "beta"] })),
  }).build({ seed: 1 });
}

/** What the timeline does between two backups of a VM that is not on host `to`. */
function entriesOf(between: Between, round: number, to: string): Entries {
  const atMs = round * ROUND_MS + 500;
  const vm = "db";
  const id = (name: string) => `${name}-${round}`;
  if (between === "move") return [{ id: id("move"), atMs, do: "migrate", vm, to }];
  if (between === "restart") {
    return [
      { id: id("off"), atMs, do: "power-off", vm },
      { id: id("on"), atMs: atMs + 100, do: "power-on", vm },
    ];
  }
  if (between !== "points") return [];
  return [
    { id: id("point"), atMs, do: "snapshot", vm },
    { id: id("more"), atMs: atMs + 1_000, do: "snapshot", vm },
    { id: id("less"), atMs: atMs + 4_500, do: "delete-snapshot", vm, point: id("point") },
  ];
}

const backupOf = (round: number) => `backup-${round}`;

function timelineOf(rounds: readonly Between[]): Entries {
  let host = "alpha";
  const entries: Entries[number][] = [];
  rounds.forEach((between, round) => {
    const other = host === "alpha" ? "beta" : "alpha";
    entries.push(...entriesOf(between, round, other));
    if (between === "loss" || between === "move") host = other;
    const atMs = round * ROUND_MS + BACKUP_MS;
    entries.push({ ...FULL, id: backupOf(round), atMs, mode: "incremental" });
  });
  const endMs = rounds.length * ROUND_MS;
  const last = backupOf(rounds.length - 1);
  return [
    ...entries,
    { id: "off", atMs: endMs, do: "power-off", vm: "db" },
    { id: "back", atMs: endMs + 200, do: "restore", vm: "db", backup: last, from: "vault" },
    { id: "on", atMs: endMs + 2_000, do: "power-on", vm: "db" },
  ];
}

/** Writes as they were answered, and what was so at each point in time. */
class Chronicle {
  readonly written: DiskWrite[];
  readonly points = new Map<string, readonly SectorContent[]>();
  readonly world: World;
  /** Backups that were incremental. */
  incremental = 0;
  /** Points in time amid writes. */
  cut = 0;
  readonly #draw: Random;

  constructor(world: World, seed: number, written: readonly DiskWrite[] = []) {
    this.world = world;
    this.written = [...written];
    this.#draw = random(seed);
    world.hooks.onNotice = (notice) => this.#note(notice);
  }

  #note({ kind, data }: Notice): void {
    const figures = (data["figures"] ?? {}) as PlainObject;
    if (kind === "operation-end" && figures["incremental"] === true) this.incremental++;
  }

  write(count: number): void {
    const writes = drawWrites(this.#draw, count);
    finishWrites(this.world, startWrites(this.world, "db", writes));
    this.written.push(...writes);
  }

  /** Writes on while a backup is taken: it is of what was answered at its point in time. */
  writeDuring(backup: string, count: number): void {
    const { world } = this;
    const writes = drawWrites(this.#draw, count);
    const writer = startWrites(world, "db", writes);
    world.hooks.onNotice = (notice) => {
      this.#note(notice);
      if (notice.kind !== "point-in-time" || notice.data["id"] !== backup) return;
      const answered = answeredOf(writer);
      if (answered > 0 && answered < count) this.cut++;
      this.points.set(backup, regionsAfter([...this.written, ...writes.slice(0, answered)]));
    };
    finishWrites(world, writer);
    this.written.push(...writes);
  }
}

type Notice = Parameters<NonNullable<World["hooks"]["onNotice"]>>[0];

const hostOf = (world: World): string => (vmRecordOf(world, "db").durable as never)["host"];

/** Lost at once; the VM is restarted on another host before its own is back. */
function lose(world: World, domains: readonly string[]): void {
  const host = hostOf(world);
  for (const domain of domains) crash(world, domain);
  world.run({ untilNs: world.timeNs + fromMs(200) });
  const others = domains.filter((domain) => domain !== host);
  for (const domain of others) world.restart(world.registry.domainNamed(domain)!);
  world.run({ untilNs: world.timeNs + fromMs(3_500) });
  world.restart(world.registry.domainNamed(host)!);
  expect(hostOf(world)).not.toBe(host);
}

function expectHeld(world: World, backup: string, held: readonly SectorContent[], where: string) {
  DISKS.forEach((disk, at) => {
    const content = regionOf(contentOfBackup(world, backup, disk));
    expect(content.diffRanges(held[at]!), `${backup} of ${disk}, ${where}`).toEqual([]);
  });
}

/** Runs the rounds; after each its backup counts. */
function live(world: World, rounds: readonly Between[], seed: number): Chronicle {
  const chronicle = new Chronicle(world, seed);
  rounds.forEach((between, round) => {
    const startMs = round * ROUND_MS;
    world.run({ untilNs: fromMs(startMs + 400) });
    chronicle.write(12);
    if (between === "loss") lose(world, [hostOf(world)]);
    else world.run({ untilNs: fromMs(startMs + 1_000) });
    chronicle.write(12);
    world.run({ untilNs: fromMs(startMs + BACKUP_MS) - 1 });
    chronicle.writeDuring(backupOf(round), 40);
    world.run({ untilNs: fromMs(startMs + ROUND_MS) - 1 });
  });
  return chronicle;
}

function expectOnDisks(world: World, held: readonly SectorContent[], where: string): void {
  DISKS.forEach((disk, at) => {
    const region = regionOf(runningView(world, "array", "db", disk)!);
    expect(region.diffRanges(held[at]!), `${disk}, ${where}`).toEqual([]);
  });
}

describe("an incremental backup", () => {
  const ALL: readonly Between[] = ["nothing", "loss", "move", "restart", "points"];

  it.each([
    ["redo", 1],
    ["cow", 2],
  ] as const)("of %s disks holds all that changed, whatever came between: %i", (kind, seed) => {
    const draw = random(seed);
    const left = [...ALL];
    const each = ALL.map(() => left.splice(draw.below(left.length), 1)[0]!);
    const rounds = ["nothing" as const, ...each, draw.pick(ALL), draw.pick(ALL)];
    const endMs = rounds.length * ROUND_MS;
    const world = worldOf(kind, timelineOf(rounds), endMs + 3_000);
    const chronicle = live(world, rounds, seed);
    const where = rounds.join();
    const held = rounds.map((_, round) => chronicle.points.get(backupOf(round))!);
    held.forEach((regions, round) => expectHeld(world, backupOf(round), regions, where));
    const zeros = held.slice(1).map((regions, round) => becameZeros(held[round]!, regions));
    expect(Math.min(...zeros)).toBeGreaterThan(500);
    expect(chronicle.cut).toBe(rounds.length);
    expect(chronicle.incremental).toBe(rounds.length - 1);
    world.run({ untilNs: fromMs(endMs + 1_999) });
    expectOnDisks(world, held.at(-1)!, "restored");
    world.run({ untilNs: fromMs(endMs + 3_000) });
    expectRunning(world, "db", where);
  });

  const FIRST = { ...FULL, atMs: 300 } as const;
  const NEXT = { ...FULL, id: "next", atMs: 400, mode: "incremental" } as const;
  const LATE = { ...NEXT, id: "late", atMs: 9_000 } as const;

  /** Backups since which the changes of each disk are known. */
  function trackedSince(world: World): string[] {
    const { files } = (world.named("array") as unknown as ArrayEntity).durable;
    const values = DISKS.map((disk) => files[`file:db-${disk}.changes`]?.value);
    return values.map((value) => (value as { since: string } | undefined)?.since ?? "");
  }

  const LOSSES: readonly [Kind, readonly string[], number][] = [
    ["redo", ["alpha", "array"], 1],
    ["redo", ["alpha"], 4],
    ["cow", ["alpha", "array"], 4],
  ];

  it.each(LOSSES)(
    "of %s disks holds it with %s lost while the one before comes to count",
    (kind, domains, every) => {
      const world = worldOf(kind, [FIRST, NEXT, LATE], 11_000);
      const before = new Chronicle(world, 1);
      for (const atMs of [200, 350]) {
        world.run({ untilNs: fromMs(atMs) });
        before.write(20);
      }
      world.run({ untilNs: fromMs(400) - 1 });
      const points = crashPoints(world, fromMs(600), (id) => id.split(".")[0] === "next");
      const commit = points.findIndex(({ at }) => /commit/.test(at));
      const some = sampled(points.slice(commit, commit + 16), every);
      const tracked = new Set<string>();
      const incremental = new Set<number>();
      afterEach(world, captureWorld(world), some, ({ at }) => {
        const where = `${domains.join()} lost at ${at}`;
        const after = new Chronicle(world, 2, before.written);
        lose(world, domains);
        tracked.add(trackedSince(world).join());
        world.run({ untilNs: fromMs(8_000) });
        after.write(30);
        world.run({ untilNs: fromMs(11_000) });
        expectHeld(world, "late", regionsAfter(after.written), where);
        expectRunning(world, "db", where);
        incremental.add(after.incremental);
      });
      expect([...incremental]).toContain(1);
      if (every > 1) return;
      // One disk's file says since when, and the other's does not yet.
      expect([...tracked].sort()).toEqual(["full,full", "next,full", "next,next"]);
      expect([...incremental]).toContain(0);
    },
    CRASHES_MS,
  );
});
