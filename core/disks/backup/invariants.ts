/**
 * A backup that counts equals its point in time, and so does a VM that was restored from it. The
 * shadow keeps each point in time's content beyond its life, as soon as its backup is complete.
 */
import {
  always,
  type Editable,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  SectorContent,
  type World,
} from "../../kernel/index.ts";
import { type ArrayEntity, arraysOf, volumeContent } from "../../platform/index.ts";
import { frozenPoint } from "../chain/point-in-time-invariant.ts";
import { runningView } from "../chain/running-view.ts";
import { type Manifest, manifestFile } from "./manifest.ts";

const keptName = (backup: string, disk: string): string => `backup:${backup}/${disk}#kept`;

const manifestIn = ({ durable }: ArrayEntity, backup: string): Manifest | undefined =>
  durable.files[`file:${manifestFile(backup)}`]?.value as Manifest | undefined;

/** What the volumes of a backup and of those before it hold together. */
function contentOf(array: ArrayEntity, backup: string, disk: string): SectorContent | undefined {
  const manifest = manifestIn(array, backup);
  const part = manifest?.disks[disk];
  if (manifest === undefined || part === undefined) return undefined;
  const { base } = manifest;
  const below = base === null ? new SectorContent(part.sectors) : contentOf(array, base, disk);
  const own = volumeContent(array, part.volume);
  if (below === undefined || own === undefined) return undefined;
  for (const { sector, sectors } of own.allocatedRuns()) {
    below.write(sector, own.read(sector, sectors));
  }
  return below;
}

function onDurable(entity: Entity, data: PlainObject, world: World): Finding | undefined {
  const label = data["label"] as string;
  const found = label.endsWith(".backup") ? /^file (.+)\.backup$/.exec(label) : null;
  if (found === null) return undefined;
  const array = entity as unknown as ArrayEntity;
  const manifest = manifestIn(array, found[1]!);
  if (manifest?.complete !== true) return undefined;
  const { backup, vm } = manifest;
  for (const disk of Object.keys(manifest.disks)) {
    // Written once more, by a recovery: the point in time may be gone by now.
    const kept = world.shadowContents.get(keptName(backup, disk));
    const frozen = kept ?? frozenPoint(world, vm, disk, backup);
    const content = contentOf(array, backup, disk);
    if (frozen === undefined || content === undefined) {
      return { message: `backup ${backup} of ${vm}:${disk} has no point in time or is not whole` };
    }
    const [wrong] = content.diffRanges(frozen);
    if (wrong !== undefined) {
      const { sector } = wrong;
      return {
        message: `backup ${backup} differs from its point in time`,
        fields: { disk, sector },
      };
    }
    world.shadowContents.put(keptName(backup, disk), frozen.fork());
  }
  return undefined;
}

type Shadow = {
  /** Restores that were looked at: what is told again may be of a VM that runs by now. */
  restoredBy: string[];
};

function onReplaced(
  _entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): Finding | undefined {
  const { vm, by, backup } = data as {
    readonly vm: string;
    readonly by: string;
    readonly backup: string | null;
  };
  if (backup === null) return undefined;
  const { restoredBy } = editShadow() as unknown as Shadow;
  if (restoredBy.includes(by)) return undefined;
  restoredBy.push(by);
  for (const { name } of arraysOf(world)) {
    for (const disk of disksIn(world, backup)) {
      const view = runningView(world, name, vm, disk);
      const kept = world.shadowContents.get(keptName(backup, disk))!;
      const [wrong] = view?.diffRanges(kept) ?? [];
      if (wrong === undefined) continue;
      const { sector } = wrong;
      return {
        message: `${vm} was not restored as backup ${backup} was`,
        fields: { disk, sector },
      };
    }
  }
  return undefined;
}

function disksIn(world: World, backup: string): string[] {
  const start = `backup:${backup}/`;
  return world.shadowContents
    .names()
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length, name.lastIndexOf("#")));
}

export const backupInvariants: readonly Invariant[] = [
  always("a backup equals its point in time", {
    mechanism: "backup",
    shadow: { restoredBy: [] },
    observes: { durable: onDurable, "disks-replaced": onReplaced },
  }),
];
