/**
 * Content of every point in time is immutable: not each of its layers (one may take in its child's
 * data when another point in time is given up), but what is read through them. Ranges that changed
 * in a layer are compared at once, everything when a file changed that may lead elsewhere.
 */
import {
  always,
  type Editable,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  SectorContent,
  type SectorRange,
  type World,
} from "../../kernel/index.ts";
import { type ArrayEntity, volumeContent } from "../../platform/index.ts";
import { type ChainLayer, chainView, flattened } from "./chain-view.ts";
import type { PointInTime } from "./descriptor.ts";

type Point = { readonly array: string; readonly descriptor: string; readonly id: string };

type Shadow = { points: { [key: string]: Point } };

const frozenName = (key: string): string => `point:${key}#frozen`;
const seenName = (array: string, volume: string): string => `point-layer:${array}#${volume}`;

function arrayOf(world: World, file: string): ArrayEntity | undefined {
  for (const entity of world.entities()) {
    if (entity.kind !== "array") continue;
    const array = entity as unknown as ArrayEntity;
    if (array.durable.files[`file:${file}`]?.value !== undefined) return array;
  }
  return undefined;
}

function onPoint(
  _entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): void {
  const { vm, id, descriptors } = data as unknown as {
    readonly vm: string;
    readonly id: string;
    readonly descriptors: PointInTime["disks"];
  };
  const { points } = editShadow() as unknown as Shadow;
  for (const [disk, descriptor] of Object.entries(descriptors)) {
    const key = `${vm}/${disk}@${id}`;
    const array = arrayOf(world, descriptor);
    if (array === undefined || points[key] !== undefined) continue;
    const layers = chainView(world, array.name, descriptor);
    if (layers === undefined) continue;
    points[key] = { array: array.name, descriptor, id };
    world.shadowContents.put(frozenName(key), flattened(layers));
    for (const layer of layers) remember(world, array, layer.descriptor.volume);
  }
}

function onGone(
  _entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): void {
  const { points } = editShadow() as unknown as Shadow;
  const { vm, id } = data as { readonly vm: string; readonly id: string };
  for (const [key, point] of Object.entries(points)) {
    if (point.id !== id || !key.startsWith(`${vm}/`)) continue;
    delete points[key];
    world.shadowContents.remove(frozenName(key));
  }
}

function remember(world: World, array: ArrayEntity, volume: string): void {
  const content = volumeContent(array, volume);
  if (content === undefined) return;
  world.shadowContents.put(seenName(array.name, volume), content.fork());
}

/** What changed in the layers since they were last looked at. */
function checkChanged(entity: Entity, world: World, shadow: PlainObject): Finding | undefined {
  const array = entity as unknown as ArrayEntity;
  for (const [key, point] of Object.entries((shadow as unknown as Shadow).points)) {
    if (point.array !== array.name) continue;
    const layers = chainView(world, array.name, point.descriptor);
    if (layers === undefined) return gone(key);
    for (const { descriptor, content } of layers) {
      const seen = world.shadowContents.get(seenName(array.name, descriptor.volume));
      if (seen === undefined) remember(world, array, descriptor.volume);
      else if (seen.digest() !== content.digest()) {
        const wrong = content.diffRanges(seen).find((range) => differs(world, key, layers, range));
        if (wrong !== undefined) return changed(key, wrong.sector);
      }
    }
  }
  rememberAll(world, array, shadow as unknown as Shadow);
  return undefined;
}

function rememberAll(world: World, array: ArrayEntity, { points }: Shadow): void {
  for (const point of Object.values(points)) {
    if (point.array !== array.name) continue;
    for (const { descriptor, content } of chainView(world, array.name, point.descriptor) ?? []) {
      const seen = world.shadowContents.get(seenName(array.name, descriptor.volume));
      if (seen?.digest() !== content.digest()) remember(world, array, descriptor.volume);
    }
  }
}

/** A descriptor or configuration was replaced: everything is compared. */
function onDurable(
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): Finding | undefined {
  const label = data["label"] as string;
  if (entity.kind !== "array" || !/file |delete volume/.test(label)) return undefined;
  for (const [key, point] of Object.entries((editShadow() as unknown as Shadow).points)) {
    if (point.array !== entity.name) continue;
    const layers = chainView(world, point.array, point.descriptor);
    if (layers === undefined) return gone(key);
    const frozen = world.shadowContents.get(frozenName(key));
    const [wrong] = frozen === undefined ? [] : flattened(layers).diffRanges(frozen);
    if (wrong !== undefined) return changed(key, wrong.sector);
  }
  return undefined;
}

function differs(
  world: World,
  key: string,
  layers: readonly ChainLayer[],
  { sector, sectors }: SectorRange,
): boolean {
  const view = new SectorContent(sectors);
  layers.forEach(({ content }, layer) => {
    const held = layer === 0 ? [{ sector, sectors }] : content.allocatedRuns(sector, sectors);
    for (const each of held) {
      view.write(each.sector - sector, content.read(each.sector, each.sectors));
    }
  });
  const frozen = new SectorContent(sectors);
  frozen.write(0, world.shadowContents.get(frozenName(key))!.read(sector, sectors));
  return !view.equals(frozen);
}

const gone = (key: string): Finding => ({
  message: `the chain of point in time ${key} is not whole`,
  fields: { key },
});

const changed = (key: string, sector: number): Finding => ({
  message: `point in time ${key} changed at sector ${sector}`,
  fields: { key, sector },
});

export const pointInTimeInvariant: Invariant = always(
  "content of every point in time is immutable",
  {
    mechanism: "snapshot",
    reads: ["array"],
    shadow: { points: {} },
    observes: { "point-in-time": onPoint, "point-in-time-gone": onGone, durable: onDurable },
  },
  checkChanged,
);
