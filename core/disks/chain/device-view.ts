/**
 * What reads of a host would find, told without any being sent: for observers, who see memory,
 * paths and arrays alike.
 */
import {
  type ContentRun,
  type EntityId,
  SectorContent,
  type SectorRange,
  type World,
} from "../../kernel/index.ts";
import {
  type ArrayEntity,
  diskContent,
  type DiskEntity,
  type InitiatorEntity,
  type PageCacheEntity,
  sliceRuns,
  volumeContent,
} from "../../platform/index.ts";
import { locate } from "./layers.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

/** A range of a virtual disk, through its open layers and what memory holds of them. */
export function viewOf(disk: VirtualDiskEntity, sector: number, sectors: number): SectorContent {
  const view = new SectorContent(sectors);
  for (const piece of locate(disk, sector, sectors)) {
    const { device } = disk.volatile.layers[piece.layer]!;
    layDown(view, piece.sector - sector, disk.world, device, piece);
  }
  return view;
}

/** What a device stands on in the end: an array, or a disk of the host. */
export function mediumUnder(world: World, device: EntityId): ArrayEntity | DiskEntity {
  const entity = world.entity(device);
  if (entity.kind === "disk") return entity as unknown as DiskEntity;
  const { lower, array } = entity.config as { readonly lower?: EntityId; readonly array: EntityId };
  if (lower !== undefined) return mediumUnder(world, lower);
  return world.entity(array) as unknown as ArrayEntity;
}

/** Writes to `view` from `at` on what a range of a device reads as. */
function layDown(
  view: SectorContent,
  at: number,
  world: World,
  device: EntityId,
  { sector, sectors }: SectorRange,
): void {
  const entity = world.entity(device);
  if ("lower" in entity.config) {
    const below = (entity as unknown as PageCacheEntity).config.lower;
    layDown(view, at, world, below, { sector, sectors });
    const memory = world.contents.get(`${entity.name}#cached`);
    for (const held of memory?.allocatedRuns(sector, sectors) ?? []) {
      view.write(at + held.sector - sector, memory!.read(held.sector, held.sectors));
    }
  } else if (entity.kind === "disk") {
    view.write(at, diskContent(entity as unknown as DiskEntity).read(sector, sectors));
  } else {
    const { array, volume } = (entity as unknown as InitiatorEntity).config;
    const content = volumeContent(world.entity(array) as unknown as ArrayEntity, volume);
    const runs = content?.read(sector, sectors) ?? [{ kind: "zero", sectors }];
    view.write(at, withForgotten(entity as unknown as InitiatorEntity, runs, sector, sectors));
  }
}

/** What a restarted array has forgotten is sent again before anything is read. */
function withForgotten(
  { world, config, volatile }: InitiatorEntity,
  runs: readonly ContentRun[],
  sector: number,
  sectors: number,
): readonly ContentRun[] {
  const { unflushed } = volatile;
  if (unflushed === undefined) return runs;
  const run = world.incarnationOf(world.entity(config.array).domain);
  if (unflushed.state === "level" && unflushed.run === run) return runs;
  const seen = new SectorContent(sectors);
  seen.write(0, runs);
  for (const { io } of unflushed.kept) {
    const from = Math.max(io.sector, sector);
    const length = Math.min(io.sector + io.sectors, sector + sectors) - from;
    if (length <= 0) continue;
    if (io.op === "discard") seen.discard(from - sector, length);
    else seen.write(from - sector, sliceRuns(io.runs, from - io.sector, length));
  }
  return seen.read(0, sectors);
}
