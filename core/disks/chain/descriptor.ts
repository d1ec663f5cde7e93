/**
 * What makes a virtual disk out of volumes: descriptors (one per layer, each naming its volume and
 * its parent) and the VM's configuration, which names the descriptor each disk runs on and the
 * points in time that are kept. All of them are small files on the array, replaced atomically; the
 * configuration is the one pointer that a snapshot of several disks swings.
 */
import type { PlainObject } from "../../kernel/index.ts";

/** One layer of a disk. */
export type DiskDescriptor = {
  /** Content id: changes when the layer's content starts to. */
  readonly cid: number;
  /** Content id of the parent when this layer was put on it; 0 without a parent. */
  readonly parentCid: number;
  /** File name of the parent's descriptor; null for a base. */
  readonly parent: string | null;
  readonly volume: string;
  readonly kind: "flat" | "redo";
  readonly sectors: number;
  readonly grainSectors: number;
};

/** A point in time that can be gone back to: the descriptor of each disk. */
export type PointInTime = {
  readonly id: string;
  readonly disks: { readonly [disk: string]: string };
};

/** The VM's configuration file. */
export type VmConfiguration = {
  readonly vm: string;
  /** Descriptor that each disk runs on. */
  readonly running: { readonly [disk: string]: string };
  readonly pointsInTime: readonly PointInTime[];
  /** Counts redo logs ever made, for their names. */
  readonly layersMade: number;
};

/** Durable before anything else of an operation, gone when it is over: what recovery decides by. */
export type SnapshotIntent = {
  readonly kind: "snapshot";
  readonly operation: string;
  readonly vm: string;
  /** New descriptor by disk; its volume bears the same name. */
  readonly descriptors: { readonly [disk: string]: string };
};

/** What an operation makes durable before anything else. Each mechanism adds its own. */
export type DiskIntent = SnapshotIntent;

export const configurationFile = (vm: string): string => `${vm}.vmx`;

export const intentFile = (vm: string): string => `${vm}.intent`;

export const descriptorFile = (vm: string, disk: string, layer: number): string =>
  layer === 0 ? `${vm}-${disk}.vmdk` : `${vm}-${disk}-${String(layer).padStart(6, "0")}.vmdk`;

/** Volume that a descriptor of this name describes. */
export const volumeOf = (descriptor: string): string => descriptor.replace(/\.vmdk$/, "");

/** Descriptor of a new redo log on top of `parent`. Content ids count up along a chain. */
export function redoOn(name: string, parentName: string, parent: DiskDescriptor): DiskDescriptor {
  return {
    cid: parent.cid + 1,
    parentCid: parent.cid,
    parent: parentName,
    volume: volumeOf(name),
    kind: "redo",
    sectors: parent.sectors,
    grainSectors: parent.grainSectors,
  };
}

export function asDescriptor(value: PlainObject): DiskDescriptor {
  return value as unknown as DiskDescriptor;
}
