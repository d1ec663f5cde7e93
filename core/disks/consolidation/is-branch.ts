/** Whether a point in time lies off what its VM runs on, for those who see the array. */
import type { World } from "../../kernel/index.ts";
import type { ArrayEntity } from "../../platform/index.ts";
import { ArrayFiles } from "../chain/array-files.ts";
import { configurationFile, type VmConfiguration } from "../chain/descriptor.ts";

/** False also where there is no such point in time. */
export function isBranch(world: World, array: string, vm: string, pointInTime: string): boolean {
  const { files } = (world.named(array) as unknown as ArrayEntity).durable;
  const there = Object.entries(files).flatMap(([key, { value, version }]) =>
    value === undefined ? [] : [{ name: key.slice("file:".length), value, version }],
  );
  const found = new ArrayFiles({ files: there as never });
  const configuration = found.get(configurationFile(vm))?.value as VmConfiguration | undefined;
  const point = configuration?.pointsInTime.find(({ id }) => id === pointInTime);
  if (configuration === undefined || point === undefined) return false;
  return Object.entries(point.disks).every(
    ([disk, name]) => !found.chainOf(configuration.running[disk] ?? "").includes(name),
  );
}
