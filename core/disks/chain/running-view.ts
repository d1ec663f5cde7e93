/** What a disk on an array holds now, read through its chain on the array itself. */
import type { SectorContent, World } from "../../kernel/index.ts";
import type { ArrayEntity } from "../../platform/index.ts";
import { flattenedView } from "./chain-view.ts";
import { configurationFile, type VmConfiguration } from "./descriptor.ts";

/** Undefined when there is no such disk, or its chain is not whole. */
export function runningView(
  world: World,
  array: string,
  vm: string,
  disk: string,
): SectorContent | undefined {
  const { files } = (world.named(array) as unknown as ArrayEntity).durable;
  const value = files?.[`file:${configurationFile(vm)}`]?.value;
  const name = (value as unknown as VmConfiguration | undefined)?.running[disk];
  return name === undefined ? undefined : flattenedView(world, array, name);
}
