/**
 * Changes of an open chain: a redo log is put on top, a merge begins or ends, a merged layer goes,
 * the whole chain gives way to one volume. But for `pushLayer` at the opening of a disk all of them
 * need a drained disk: a request that is on its way would land where it was sent.
 */
import { assert, type EntityId, type SectorRange } from "../../kernel/index.ts";
import { isDrained } from "./virtual-disk.ts";
import { closeDevice } from "./open-device.ts";
import { dropMap, markHeld, reindex } from "./layers.ts";
import type { Layer, LockPolicy, Merge, VirtualDiskEntity } from "./virtual-disk-state.ts";
import { tellDisk } from "./virtual-disk-state.ts";

/** Puts a layer on top; `held` are the sectors it already holds (a redo log opened again). */
export function pushLayer(
  disk: VirtualDiskEntity,
  layer: Omit<Layer, "slot">,
  held: readonly SectorRange[],
): void {
  const used = disk.volatile.layers.map(({ slot }) => slot);
  let slot = used.length === 0 ? 0 : 1;
  while (used.includes(slot)) slot++;
  const index = disk.edit().layers.push({ ...layer, slot }) - 1;
  for (const { sector, sectors } of held) markHeld(disk, index, sector, sectors);
}

/** The disk is open: from here on observers hold it against what the guest was told. */
export function opened(disk: VirtualDiskEntity): void {
  tellDisk(disk, "disk-opened", () => ({ vm: disk.config.vm, disk: disk.config.disk }));
}

export type NewMerge = Pick<Merge, "target" | "layer" | "from" | "to"> & {
  readonly lock?: LockPolicy;
  /** Default: by what the target is, where it is a layer; a target outside starts empty. */
  readonly zeros?: Merge["zeros"];
};

/** Begins a merge; with the top layer among its sources the guest's writes are mirrored. */
export function beginMerge(disk: VirtualDiskEntity, options: NewMerge, drained = true): void {
  assert(disk.volatile.merge === null, () => `${disk.name} is being merged already`);
  assert(!drained || isDrained(disk), () => `${disk.name} is not drained`);
  const { target, layer, from, to, lock = "range" } = options;
  const state = disk.edit();
  const isRedo = layer >= 0 && state.layers[layer]!.kind === "redo";
  const zeros = isRedo ? "write" : layer >= 0 ? "discard" : "skip";
  state.merge = {
    id: ++state.merges,
    target,
    layer,
    from,
    to,
    zeros: options.zeros ?? zeros,
    lock,
    failed: null,
    suspects: [],
    copiedSectors: 0,
    mirroredSectors: 0,
    conflicts: 0,
  };
}

/** Ends a merge without a change of the chain: it was given up. */
export function endMerge(disk: VirtualDiskEntity): Merge | null {
  const { merge } = disk.volatile;
  if (merge !== null) disk.edit().merge = null;
  return merge;
}

/**
 * Layer `from` went into the one below: its descriptor now leads there. `device`: another way to
 * the target, when what this host remembers of it is out of date.
 */
export function adoptMerged(disk: VirtualDiskEntity, from: number, device?: EntityId): void {
  assert(disk.volatile.inFlight === 0, () => `${disk.name} is not idle`);
  tellDisk(disk, "disk-relayering", () => ({}));
  endMerge(disk);
  const state = disk.edit();
  const merged = state.layers[from]!;
  const target = state.layers[from - 1]!;
  target.descriptor = merged.descriptor;
  const stale = device === undefined ? merged.device : target.device;
  if (device !== undefined) target.device = device;
  state.layers.splice(from, 1);
  dropMap(disk, merged.slot);
  closeDevice(disk.world, merged.device);
  if (stale !== merged.device) closeDevice(disk.world, stale);
  reindex(disk);
  changed(disk);
}

/** The chain up to layer `to` gives way to one flat volume; what lies above it stays. */
export function adoptFlat(disk: VirtualDiskEntity, to: number, base: Omit<Layer, "slot">): void {
  assert(disk.volatile.inFlight === 0, () => `${disk.name} is not idle`);
  tellDisk(disk, "disk-relayering", () => ({}));
  endMerge(disk);
  const state = disk.edit();
  const gone = state.layers.splice(0, to + 1, { ...base, slot: 0 });
  for (const { slot, device } of gone) {
    dropMap(disk, slot);
    closeDevice(disk.world, device);
  }
  reindex(disk);
  changed(disk);
}

/** A layer as it is opened: what a redo log holds already says `held`. */
export type NewLayer = Omit<Layer, "slot"> & { readonly held: readonly SectorRange[] };

/** From here until `adoptChain` nobody writes; what the disk reads as now it reads as afterwards. */
export function beginRelayering(disk: VirtualDiskEntity): void {
  tellDisk(disk, "disk-relayering", () => ({}));
}

/** The whole chain gives way to another one, base first; the old one may be gone by now. */
export function adoptChain(disk: VirtualDiskEntity, layers: readonly NewLayer[]): void {
  assert(disk.volatile.inFlight === 0, () => `${disk.name} is not idle`);
  endMerge(disk);
  const gone = disk.edit().layers.splice(0);
  for (const { slot, device } of gone) {
    dropMap(disk, slot);
    closeDevice(disk.world, device);
  }
  reindex(disk);
  for (const { held, ...layer } of layers) pushLayer(disk, layer, held);
  changed(disk);
}

function changed(disk: VirtualDiskEntity): void {
  tellDisk(disk, "disk-layers", () => ({ vm: disk.config.vm, disk: disk.config.disk }));
}
