/** The state of a storage array: that of a device, and what it knows of volumes, files, senders. */
import type { Entity } from "../../kernel/index.ts";
import type { DeviceConfig, DeviceDurable, DeviceEntity, DeviceVolatile } from "./device-state.ts";
import type { MetadataFile } from "./metadata-files.ts";

export type ArrayConfig = DeviceConfig & {
  /** Space for all volumes together. */
  readonly capacitySectors: number;
  /** Unit in which space is taken. */
  readonly grainSectors: number;
};

export type Volume = {
  readonly sectors: number;
  /** Grains that hold a written sector. */
  readonly grains: number;
  /** Grains set aside for it that it does not use yet; absent: none. */
  readonly reserved?: number;
  /** Whose requests are taken; null: everybody's. */
  readonly owner: string | null;
};

export type ArrayDurable = DeviceDurable & {
  /** By label, `volume:NAME`. */
  readonly volumes: { readonly [label: string]: Volume };
  readonly usedGrains: number;
  readonly files: { readonly [key: string]: MetadataFile };
};

/** What is known of the requests of one initiator; see array-sessions.ts. */
export type Session = {
  readonly session: number;
  /** Numbers below this are answered and forgotten. */
  readonly oldest: number;
  /** In the order of their numbers: the id of the queued request, or 0 when it was done. */
  readonly seen: readonly { readonly number: number; readonly id: number }[];
};

export type ArrayVolatile = DeviceVolatile & {
  /** Names of initiators are paths, and so never those of what every object has. */
  readonly sessions: { readonly [sender: string]: Session };
};

export type ArrayEntity = Entity<ArrayConfig, ArrayDurable, ArrayVolatile>;

/** An array as the functions that it shares with disks take it. */
export const device = (self: ArrayEntity): DeviceEntity => self as unknown as DeviceEntity;

export const volumeLabel = (name: string): string => `volume:${name}`;
