/**
 * What a disk holds when its chain is read on the array itself, as a host that opens it would. For
 * invariants, exports and inspection: nothing of it passes a host.
 */
import { DerivedContents, type SectorContent, WhileSame, type World } from "../../kernel/index.ts";
import {
  type ArrayEntity,
  arraysOf,
  isDerived,
  volumeContent,
  volumeLabel,
  vvolsOf,
} from "../../platform/index.ts";
import type { DiskDescriptor } from "./descriptor.ts";
import { fileTableOf } from "./file-table.ts";

export interface ChainLayer {
  readonly name: string;
  readonly descriptor: DiskDescriptor;
  readonly content: SectorContent;
  /** Label of its volume's medium. */
  readonly medium: string;
  /** Its content is put together of several. */
  readonly isDerived: boolean;
}

/** The array that holds a file; undefined when none does. */
export function arrayWithFile(world: World, file: string): ArrayEntity | undefined {
  for (const array of arraysOf(world)) {
    if (array.durable.files[`file:${file}`]?.value !== undefined) return array;
  }
  return undefined;
}

type Chain = readonly ChainLayer[];

/** Chains as they were found: they are the same while neither descriptors nor volumes change. */
const knownChains = new WhileSame<ArrayEntity, Chain>();

/**
 * Layers of the chain under a descriptor, base first: down to the one that answers for everything.
 * Undefined when something of it is gone.
 */
export const chainView = (world: World, array: string, name: string): Chain | undefined =>
  chainOn(world.named(array) as unknown as ArrayEntity, name);

/** The same of an array that is known. While the chain is the same, so is what is returned. */
export function chainOn(array: ArrayEntity, name: string): Chain | undefined {
  const { generation } = array.world.contents;
  const vvols = vvolsOf(array)?.durableEdits ?? 0;
  const chains = knownChains.at(array, fileTableOf(array).version, generation, vvols);
  const known = chains.get(name);
  if (known !== undefined && isCurrent(array, known)) return known;
  const chain = chainAnew(array, name);
  if (chain !== undefined) chains.set(name, chain);
  return chain;
}

/** What is put together of several contents is another one once they have changed. */
function isCurrent(array: ArrayEntity, chain: Chain): boolean {
  for (const { isDerived, descriptor, content } of chain) {
    if (isDerived && volumeContent(array, descriptor.volume) !== content) return false;
  }
  return true;
}

function chainAnew(array: ArrayEntity, descriptorName: string): Chain | undefined {
  const { descriptors } = fileTableOf(array);
  const layers: ChainLayer[] = [];
  for (let name: string | null = descriptorName; name !== null;) {
    const descriptor = descriptors.get(name);
    if (descriptor === undefined || layers.some((layer) => layer.name === name)) return undefined;
    const content = volumeContent(array, descriptor.volume);
    if (content === undefined) return undefined;
    const { volume } = descriptor;
    const medium = volumeLabel(volume);
    layers.push({ name, descriptor, content, medium, isDerived: isDerived(array, volume) });
    name = descriptor.kind === "redo" ? descriptor.parent : null;
  }
  return layers.reverse();
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
