/** Which mechanism keeps a VM's points in time now; a conversion may have changed it. */
import type { World } from "../../kernel/index.ts";
import { asDescriptor, configurationFile, type VmConfiguration } from "../chain/descriptor.ts";
import type { ArrayEntity } from "../../platform/index.ts";

/** Of a disk on an array, for those who see it; undefined when there is no such disk. */
export function runningKind(
  world: World,
  array: string,
  vm: string,
  disk: string,
): "cow" | "redo" | undefined {
  const { files } = (world.named(array) as unknown as ArrayEntity).durable;
  const value = files[`file:${configurationFile(vm)}`]?.value as VmConfiguration | undefined;
  const name = value?.running[disk];
  const file = name === undefined ? undefined : files[`file:${name}`]?.value;
  if (file === undefined) return undefined;
  return asDescriptor(file as never).kind === "cow" ? "cow" : "redo";
}
