/**
 * Content of every point in time is immutable: not each of its layers (one may take in its child's
 * data when another point in time is given up), but what is read through them. A range that is
 * written in one of its layers is compared at once, everything when a file changed that may lead
 * elsewhere.
 */
import {
  always,
  type Editable,
  type Entity,
  type Finding,
  type Invariant,
  LikeContents,
  type PlainObject,
  sameRuns,
  SectorContent,
  type SectorRange,
  type World,
} from "../../kernel/index.ts";
import { type ArrayEntity, volumeLabel } from "../../platform/index.ts";
import { arrayWithFile, type ChainLayer, chainView, flattened } from "./chain-view.ts";
import { configurationFile, type PointInTime, type VmConfiguration } from "./descriptor.ts";

type Point = {
  readonly array: string;
  descriptor: string;
  readonly id: string;
  /** Media of its layers. */
  media: readonly string[];
};

type Shadow = { points: { [key: string]: Point } };

const frozenName = (key: string): string => `point:${key}#frozen`;

/** Content of a point in time as it was taken; undefined when it is none any more. */
export function frozenPoint(
  world: World,
  vm: string,
  disk: string,
  id: string,
): SectorContent | undefined {
  return world.shadowContents.get(frozenName(`${vm}/${disk}@${id}`));
}

const mediaOf = (layers: readonly ChainLayer[]): readonly string[] =>
  layers.map(({ descriptor }) => volumeLabel(descriptor.volume));

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
    const array = arrayWithFile(world, descriptor);
    if (array === undefined || points[key] !== undefined) continue;
    const layers = chainView(world, array.name, descriptor);
    if (layers === undefined) continue;
    points[key] = { array: array.name, descriptor, id, media: mediaOf(layers) };
    world.shadowContents.put(frozenName(key), flattened(layers).fork());
  }
}

/** A configuration was replaced: what it lists is looked for where it says, the rest is none. */
function forgetUnlisted(world: World, { name, durable }: ArrayEntity, shadow: Shadow): void {
  for (const [key, point] of Object.entries(shadow.points)) {
    const vm = key.slice(0, key.indexOf("/"));
    const file = durable.files[`file:${configurationFile(vm)}`]?.value;
    if (point.array !== name || file === undefined) continue;
    const { pointsInTime } = file as unknown as VmConfiguration;
    const disk = key.slice(vm.length + 1, key.lastIndexOf("@"));
    const listed = pointsInTime.find(({ id }) => id === point.id)?.disks[disk];
    if (listed !== undefined) {
      point.descriptor = listed; // perhaps another now, which has to hold the same
      continue;
    }
    delete shadow.points[key];
    world.shadowContents.remove(frozenName(key));
  }
}

/** A layer was written: no point in time above it may look different. */
function onWritten(
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): Finding | undefined {
  const { op, medium, sector, sectors } = data as unknown as SectorRange & {
    readonly op: string;
    readonly medium: string;
  };
  if (op !== "write" || entity.kind !== "array") return undefined;
  for (const [key, point] of Object.entries((editShadow() as unknown as Shadow).points)) {
    if (point.array !== entity.name || !point.media.includes(medium)) continue;
    const layers = chainView(world, point.array, point.descriptor);
    if (layers === undefined) return gone(key);
    if (differs(world, key, layers, { sector, sectors })) return changed(key, sector);
  }
  return undefined;
}

const like = new LikeContents();

/** A descriptor or configuration was replaced: everything is compared. */
function onDurable(
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): Finding | undefined {
  const label = data["label"] as string;
  if (entity.kind !== "array" || !/file |delete volume/.test(label)) return undefined;
  const shadow = editShadow() as unknown as Shadow;
  forgetUnlisted(world, entity as unknown as ArrayEntity, shadow);
  for (const [key, point] of Object.entries(shadow.points)) {
    if (point.array !== entity.name) continue;
    const layers = chainView(world, point.array, point.descriptor);
    if (layers === undefined) return gone(key);
    point.media = mediaOf(layers);
    const frozen = world.shadowContents.get(frozenName(key));
    const wrong = frozen && like.difference(frozen, flattened(layers));
    if (wrong !== undefined) return changed(key, wrong);
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
  const frozen = world.shadowContents.get(frozenName(key))!;
  return !sameRuns(view.read(0, sectors), frozen.read(sector, sectors));
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
    shadow: { points: {} },
    observes: {
      "point-in-time": onPoint,
      "block-acknowledged": onWritten,
      durable: onDurable,
    },
  },
);
