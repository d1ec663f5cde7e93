/**
 * A disk with everything that is kept of it, read on the array itself: the layers it runs on and its
 * points in time. For exports; nothing of it passes a host.
 */
import type { SectorContent, World } from "../../kernel/index.ts";
import { type ArrayEntity, diskContent, type DiskEntity } from "../../platform/index.ts";
import { chainView, flattened } from "./chain-view.ts";
import { configurationFile, type VmConfiguration } from "./descriptor.ts";

export interface DiskStates {
  /** Layers of the running chain, base first. */
  readonly layers: readonly { readonly content: SectorContent; readonly contentId: number }[];
  /** Points in time, oldest first. */
  readonly points: readonly { readonly name: string; readonly content: SectorContent }[];
  readonly running: SectorContent;
}

/** Undefined when a chain of it is not whole. A disk on a host's device is its first `sectors`. */
export function diskStates(
  world: World,
  device: string,
  vm: string,
  disk: string,
  sectors: number,
): DiskStates | undefined {
  const entity = world.named(device);
  if (entity.kind === "disk") {
    const content = diskContent(entity as unknown as DiskEntity).fork();
    content.resize(sectors);
    return { layers: [{ content, contentId: 1 }], points: [], running: content };
  }
  const { files } = (entity as unknown as ArrayEntity).durable;
  const value = files[`file:${configurationFile(vm)}`]?.value;
  const { running, pointsInTime } = (value ?? { running: {} }) as unknown as VmConfiguration;
  const name = running[disk];
  const chain = name === undefined ? undefined : chainView(world, device, name);
  if (chain === undefined) return undefined;
  const points: { name: string; content: SectorContent }[] = [];
  for (const { id, disks } of pointsInTime) {
    const descriptor = disks[disk];
    if (descriptor === undefined) continue;
    const view = chainView(world, device, descriptor);
    if (view === undefined) return undefined;
    points.push({ name: id, content: flattened(view) });
  }
  const layers = chain.map(({ content, descriptor }) => ({ content, contentId: descriptor.cid }));
  return { layers, points, running: flattened(chain) };
}
