/**
 * What a disk holds when its chain is read on the array itself, as a host that opens it would. For
 * invariants, exports and inspection: nothing of it passes a host.
 */
import { DerivedContents, type SectorContent, type World } from "../../kernel/index.ts";
import { type ArrayEntity, volumeContent } from "../../platform/index.ts";
import { soundDescriptor, type DiskDescriptor } from "./descriptor.ts";

export interface ChainLayer {
  readonly name: string;
  readonly descriptor: DiskDescriptor;
  readonly content: SectorContent;
}

/** The array that holds a file; undefined when none does. */
export function arrayWithFile(world: World, file: string): ArrayEntity | undefined {
  for (const entity of world.entities()) {
    if (entity.kind !== "array") continue;
    const array = entity as unknown as ArrayEntity;
    if (array.durable.files[`file:${file}`]?.value !== undefined) return array;
  }
  return undefined;
}

/**
 * Layers of the chain under a descriptor, base first: down to the one that answers for everything.
 * Undefined when something of it is gone.
 */
export function chainView(
  world: World,
  array: string,
  descriptorName: string,
): readonly ChainLayer[] | undefined {
  const entity = world.named(array) as unknown as ArrayEntity;
  const layers: ChainLayer[] = [];
  for (let name: string | null = descriptorName; name !== null;) {
    const value = entity.durable.files[`file:${name}`]?.value;
    if (value === undefined || layers.some((layer) => layer.name === name)) return undefined;
    const descriptor = soundDescriptor(value as never);
    if (descriptor === undefined) return undefined;
    const content = volumeContent(entity, descriptor.volume);
    if (content === undefined) return undefined;
    layers.unshift({ name, descriptor, content });
    name = descriptor.kind === "redo" ? descriptor.parent : null;
  }
  return layers;
}

const flatContents = new DerivedContents();

/** One content that reads like the chain. Not to be changed. */
export function flattened(layers: readonly ChainLayer[]): SectorContent {
  return flatContents.of(
    layers.map(({ content }) => content),
    () => flattenedAnew(layers),
  );
}

function flattenedAnew(layers: readonly ChainLayer[]): SectorContent {
  const base = layers[0]!;
  const flat = base.content.fork();
  for (const { content } of layers.slice(1)) {
    for (const { sector, sectors } of content.allocatedRuns()) {
      flat.write(sector, content.read(sector, sectors));
    }
  }
  return flat;
}

/** What is read through a descriptor, not to be changed; undefined when something of its chain is gone. */
export function flattenedView(
  world: World,
  array: string,
  descriptor: string,
): SectorContent | undefined {
  const layers = chainView(world, array, descriptor);
  return layers === undefined ? undefined : flattened(layers);
}
