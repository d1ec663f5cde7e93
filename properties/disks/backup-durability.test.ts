/**
 * A backup that counts is durable: its repository forgets what is not flushed, and loses power at
 * the steps around the one that makes the backup count. What counts then equals its point in time as
 * it lies there, whoever could send it again; and, the repository back, a restore gives that.
 */
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  fromMs,
  type SectorContent,
  type Steer,
  type World,
} from "../../core/kernel/index.ts";
import { runningView } from "../../core/disks/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  type CrashPoint,
  crashPoints,
  expectRunning,
  sampled,
} from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";
import {
  backupsThatCount,
  contentOfBackup,
  type Entries,
  FULL,
  withVault,
} from "../testing/vault.ts";

const NEXT = { ...FULL, id: "next", atMs: 120, mode: "incremental" } as const;
const FORGETS = { writeCacheMiB: 8, writeCacheProtected: false } as const;
const DISKS = ["data", "log"];

const [OFF_MS, BACK_MS, ON_MS, END_MS] = [16_000, 16_100, 17_600, 18_000];

const restoreOf = (backup: string): Entries => [
  { id: "off", atMs: OFF_MS, do: "power-off", vm: "db" },
  { id: "back", atMs: BACK_MS, do: "restore", vm: "db", backup, from: "vault" },
  { id: "on", atMs: ON_MS, do: "power-on", vm: "db" },
];

/** Of what is not flushed. */
const nothingLasts: Steer = ({ purpose }) => (purpose === "crash-pattern" ? 0 : undefined);

function worldOf(kind: "redo" | "cow", { id, atMs }: { id: string; atMs: number }): World {
  const cow = kind === "cow" ? ({ kind, disk: { kind } } as const) : {};
  const timeline = [FULL, NEXT, ...restoreOf(id)];
  const document = withVault(timeline, { workMs: 190, ...cow, vault: FORGETS });
  const builder = builderOf({ ...document, durationMs: END_MS });
  const world = builder.build({ seed: 1, steer: nothingLasts });
  world.run({ untilNs: fromMs(atMs) - 1 });
  return world;
}

/** From the last copies on, and beyond the step that makes the backup count. */
function aroundCommit(points: readonly CrashPoint[]): readonly CrashPoint[] {
  const committed = points.findIndex(({ at }) => /committed/.test(at));
  expect(committed).toBeGreaterThan(20);
  const [before, after] = [points.slice(0, committed - 12), points.slice(committed + 12)];
  const about = points.slice(committed - 12, committed + 12);
  return [...sampled(before, 8), ...about, ...sampled(after, 8)];
}

/** Sectors of backups that the vault forgets with its power. */
function sectorsLost(world: World): number {
  let lost = 0;
  world.hooks.onNotice = ({ kind, data }) => {
    const isBackup = /backup-/.test(String(data["medium"]));
    if (kind === "lost-writes" && isBackup) lost += Number(data["sectors"]);
  };
  crash(world, "vault");
  world.hooks = {};
  return lost;
}

/** That of the point in time, as it was when the backup was marked. */
const frozenOf = (world: World, backup: string, disk: string): SectorContent =>
  world.shadowContents.get(`backup:${backup}/${disk}#kept`)!;

function expectWhole(world: World, backup: string, where: string): void {
  for (const disk of DISKS) {
    const wrong = contentOfBackup(world, backup, disk).diffRanges(frozenOf(world, backup, disk));
    expect(wrong, `${backup} of ${disk}, ${where}`).toEqual([]);
  }
}

/** The vault is back after a while, and the VM off: it is what it was at the point in time. */
function expectRestored(world: World, backup: string, where: string): void {
  world.run({ untilNs: world.timeNs + fromMs(100) });
  world.restart(world.registry.domainNamed("vault")!);
  world.run({ untilNs: fromMs(ON_MS) - 1 });
  for (const disk of DISKS) {
    const view = runningView(world, "array", "db", disk)!;
    const wrong = view.diffRanges(frozenOf(world, backup, disk));
    expect(wrong, `${disk} restored from ${backup}, ${where}`).toEqual([]);
  }
  world.run({ untilNs: fromMs(END_MS) });
  expectRunning(world, "db", where);
}

describe("on a repository that forgets what is not flushed", () => {
  it.each([
    ["redo", FULL],
    ["redo", NEXT],
    ["cow", FULL],
    ["cow", NEXT],
  ] as const)(
    "a backup of %s disks is whole from when it counts: %o",
    (kind, entry) => {
      const { id } = entry;
      const world = worldOf(kind, entry);
      const points = crashPoints(world, fromMs(400), (each) => each.split(".")[0] === id);
      const counted: CrashPoint[] = [];
      let lost = 0;
      const image = captureWorld(world);
      afterEach(world, image, aroundCommit(points), (point) => {
        const where = `vault lost at ${point.at}`;
        lost += sectorsLost(world);
        for (const backup of backupsThatCount(world)) expectWhole(world, backup, where);
        if (backupsThatCount(world).includes(id)) counted.push(point);
      });
      expect(lost).toBeGreaterThan(2_000);
      expect(counted.length).toBeGreaterThan(6);
      [["vault"], ["vault", "alpha"]].forEach((domains, from) => {
        afterEach(world, image, sampled(counted, 20, 3 * from), ({ at }) => {
          for (const domain of domains) crash(world, domain);
          expectRestored(world, id, `${domains.join()} lost at ${at}`);
        });
      });
    },
    CRASHES_MS,
  );
});
