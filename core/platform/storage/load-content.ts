/** What a medium holds before the first request: content of an image. Part of building a world. */
import { assert, type SectorContent } from "../../kernel/index.ts";
import { type ArrayEntity, device, volumeLabel } from "./array-state.ts";
import type { DiskEntity } from "./disk.ts";
import { type DeviceEntity, durableContent, refreshCurrent } from "./device-state.ts";
import { recountSpace } from "./volumes.ts";

/** Makes `content` what a volume holds; it is of the volume's size, and not changed by it. */
export function loadVolume(self: ArrayEntity, name: string, content: SectorContent): void {
  load(device(self), volumeLabel(name), content);
  recountSpace(self);
}

export function loadDisk(self: DiskEntity, content: SectorContent): void {
  load(self as unknown as DeviceEntity, "platter", content);
}

function load(self: DeviceEntity, medium: string, content: SectorContent): void {
  const held = durableContent(self, medium);
  const { sectors } = held;
  assert(content.sectors <= sectors, () => `${content.sectors} sectors into ${sectors}`);
  held.restore(content.capture());
  held.resize(sectors);
  refreshCurrent(self, medium);
}
