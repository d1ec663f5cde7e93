/**
 * What a repository keeps of a backup: one volume for each disk, and a manifest that says what they
 * are. A backup counts only once its manifest is marked complete; an incremental one needs the
 * backup before it, down to a full one. Discarded sectors are written zeros in an incremental.
 */
import type { EntityId, PlainObject } from "../../kernel/index.ts";
import type { ArrayFiles } from "../chain/array-files.ts";

export type Manifest = {
  readonly backup: string;
  readonly vm: string;
  /** The backup that this one adds to; null: it is full. */
  readonly base: string | null;
  readonly complete: boolean;
  /** Descriptors of its point in time, which the VM keeps; absent: it was given up. */
  readonly point?: { readonly [disk: string]: string };
  readonly disks: {
    readonly [disk: string]: {
      readonly volume: string;
      readonly sectors: number;
      readonly grainSectors: number;
    };
  };
};

export const manifestFile = (backup: string): string => `${backup}.backup`;

export const backupVolume = (backup: string, disk: string): string => `backup-${backup}-${disk}`;

/** Beside the VM's other intent: while a backup copies, snapshots may come and go. */
export const backupIntentFile = (vm: string): string => `${vm}.backup-intent`;

export type BackupIntent = {
  readonly kind: "backup";
  readonly operation: string;
  readonly vm: string;
  /** Point in time that is copied, and the descriptors that it will have. */
  readonly pointInTime: string;
  readonly descriptors: readonly string[];
  readonly repository: EntityId;
  readonly volumes: readonly string[];
  /** Points in time that go once the backup counts, which itself stays; absent: it goes. */
  readonly superseded?: readonly string[];
};

/** Where the volumes of a backup are, and the way to them from the host. */
export type Repository = {
  readonly array: EntityId;
  /** Carriers to it, the preferred one first. */
  readonly paths: readonly EntityId[];
};

/** The manifests that make up a backup, full one first; undefined when one is not there or whole. */
export function backupChain(files: ArrayFiles, backup: string): readonly Manifest[] | undefined {
  const chain: Manifest[] = [];
  for (let at: string | null = backup; at !== null;) {
    const value: PlainObject | undefined = files.get(manifestFile(at))?.value;
    const manifest = value as Manifest | undefined;
    if (manifest === undefined || !manifest.complete) return undefined;
    if (chain.some((each) => each.backup === manifest.backup)) return undefined;
    chain.unshift(manifest);
    at = manifest.base;
  }
  return chain;
}
