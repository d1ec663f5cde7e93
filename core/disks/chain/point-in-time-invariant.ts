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
import type { ArrayEntity } from "../../platform/index.ts";
import { arrayWithFile, type ChainLayer, chainOn, flattened } from "./chain-view.ts";
import { configurationFile, type PointInTime, type VmConfiguration } from "./descriptor.ts";
import { fileTableOf } from "./file-table.ts";

type Point = {
  readonly array: string;
  /** File of its VM's configuration. */
  readonly configuration: string;
  readonly disk: string;
  readonly id: string;
  descriptor: string;
  /** Name of its content as it was taken. */
  readonly frozen: string;
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

type Chain = readonly ChainLayer[];

const mediaOf = (layers: Chain): readonly string[] => layers.map(({ medium }) => medium);

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
    const layers = chainOn(array, descriptor);
    if (layers === undefined) continue;
    const frozen = frozenName(key);
    points[key] = {
      array: array.name,
      configuration: configurationFile(vm),
      disk,
      id,
      descriptor,
      frozen,
      media: mediaOf(layers),
    };
    world.shadowContents.put(frozen, flattened(layers).fork());
  }
}

/** A configuration was replaced: what it lists is looked for where it says, the rest is none. */
function forgetUnlisted(world: World, array: ArrayEntity, points: Shadow["points"]): void {
  const { configurations } = fileTableOf(array);
  for (const key in points) {
    const point = points[key]!;
    if (point.array !== array.name) continue;
    const configuration = configurations.get(point.configuration);
    if (configuration === undefined) continue;
    const listed = descriptorAt(configuration, point);
    if (listed !== undefined) {
      point.descriptor = listed; // perhaps another now, which has to hold the same
      continue;
    }
    delete points[key];
    world.shadowContents.remove(point.frozen);
  }
}

function descriptorAt({ pointsInTime }: VmConfiguration, { id, disk }: Point): string | undefined {
  for (const point of pointsInTime) if (point.id === id) return point.disks[disk];
  return undefined;
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
  const { points } = editShadow() as unknown as Shadow;
  for (const key in points) {
    const point = points[key]!;
    if (point.array !== entity.name || !point.media.includes(medium)) continue;
    const layers = chainOn(entity as unknown as ArrayEntity, point.descriptor);
    if (layers === undefined) return gone(key);
    const frozen = world.shadowContents.get(point.frozen)!;
    if (differs(frozen, layers, { sector, sectors })) return changed(key, sector);
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
  const isRelevant = label.includes("file ") || label.includes("delete volume");
  if (entity.kind !== "array" || !isRelevant) return undefined;
  const array = entity as unknown as ArrayEntity;
  const { points } = editShadow() as unknown as Shadow;
  forgetUnlisted(world, array, points);
  for (const key in points) {
    const point = points[key]!;
    if (point.array !== entity.name) continue;
    const layers = chainOn(array, point.descriptor);
    if (layers === undefined) return gone(key);
    const known = comparedWith(layers);
    point.media = known.media;
    const frozen = world.shadowContents.get(point.frozen);
    if (frozen === undefined) continue;
    const versions = versionsOf(frozen, layers);
    if (known.frozen === frozen && known.versions === versions) continue;
    const wrong = like.difference(frozen, readOf(layers));
    if (wrong !== undefined) return changed(key, wrong);
    known.frozen = frozen;
    known.versions = versions;
  }
  return undefined;
}

/** A chain, and the point in time that it was found to read like. */
interface Compared {
  readonly media: readonly string[];
  frozen: SectorContent | undefined;
  versions: number;
}

/** By chain, which is found again as it was: a pure cache. */
const compared = new WeakMap<Chain, Compared>();

function comparedWith(layers: Chain): Compared {
  const known = compared.get(layers);
  if (known !== undefined) return known;
  const fresh = { media: mediaOf(layers), frozen: undefined, versions: 0 };
  compared.set(layers, fresh);
  return fresh;
}

/** Versions only rise: their sum is the same while each of them is. */
function versionsOf(frozen: SectorContent, layers: Chain): number {
  let versions = frozen.version;
  for (const { content } of layers) versions += content.version;
  return versions;
}

/** What is read through a chain now. */
const readOf = (layers: Chain): SectorContent =>
  layers.length === 1 ? layers[0]!.content : flattened(layers);

function differs(frozen: SectorContent, layers: Chain, { sector, sectors }: SectorRange): boolean {
  const view = new SectorContent(sectors);
  layers.forEach(({ content }, layer) => {
    const held = layer === 0 ? [{ sector, sectors }] : content.allocatedRuns(sector, sectors);
    for (const each of held) {
      view.write(each.sector - sector, content.read(each.sector, each.sectors));
    }
  });
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
