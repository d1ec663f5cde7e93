/**
 * What makes a virtual disk out of volumes: descriptors (one per layer, each naming its volume and
 * its parent) and the VM's configuration, which names the descriptor each disk runs on and the
 * points in time that are kept. All of them are small files on the array, replaced atomically; the
 * configuration is the one pointer that a snapshot of several disks swings.
 *
 * A descriptor's file holds VMDK text: write `descriptorFileOf(descriptor)`, read `asDescriptor`.
 */
import { assert, hash64, type PlainObject } from "../../kernel/index.ts";
import type { CowIntent } from "../cow/cow-intents.ts";
import type { RestoreIntent } from "../backup/restore-intent.ts";
import type { LinkedCloneIntent } from "../clone/intent.ts";
import type { GrowIntent } from "../grow/intent.ts";
import type { ConsolidationIntent } from "../consolidation/intent.ts";
import type { PromotionIntent } from "../promotion/intent.ts";
import { TextCache } from "./text-cache.ts";
import {
  type DescriptorProblem,
  geometryEntries,
  parseVmdkText,
  type VmdkText,
  writeVmdkText,
} from "./vmdk-descriptor.ts";

/** One layer of a disk. */
export type DiskDescriptor = {
  /** Content id: changes when the layer's content starts to. */
  readonly cid: number;
  /** Content id of the parent when this layer was put on it; 0 without a parent. */
  readonly parentCid: number;
  /** File name of the parent's descriptor; null for a base. */
  readonly parent: string | null;
  readonly volume: string;
  /** `flat` and `cow` volumes answer for every sector, a redo log for what was written to it. */
  readonly kind: "flat" | "redo" | "cow";
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
  /** Tracking of changes that counts (see change-tracker.ts); absent: none. */
  readonly tracking?: string;
};

/** The descriptors by disk that a configuration names: of what runs, then of each point in time. */
export const namedDisks = ({ running, pointsInTime }: VmConfiguration) => [
  running,
  ...pointsInTime.map(({ disks }) => disks),
];

/** The same descriptors in one list; what several lead to is in it several times. */
export const namedDescriptors = (configuration: VmConfiguration): readonly string[] =>
  namedDisks(configuration).flatMap((disks) => Object.values(disks));

/** Of disks whose content is no longer what changes were tracked of. */
export function untracked(configuration: VmConfiguration): VmConfiguration {
  const { tracking: _, ...rest } = configuration;
  return rest;
}

/** Durable before anything else of an operation, gone when it is over: what recovery decides by. */
export type SnapshotIntent = {
  readonly kind: "snapshot";
  readonly operation: string;
  readonly vm: string;
  /** New descriptor by disk; its volume bears the same name. */
  readonly descriptors: { readonly [disk: string]: string };
};

/** What an operation makes durable before anything else. Each mechanism adds its own. */
export type DiskIntent =
  | GrowIntent
  | SnapshotIntent
  | ConsolidationIntent
  | CowIntent
  | LinkedCloneIntent
  | PromotionIntent
  | RestoreIntent;

export const configurationFile = (vm: string): string => `${vm}.vmx`;

export const intentFile = (vm: string): string => `${vm}.intent`;

/** What an array is asked to make under an intent it makes only while that is as it was opened. */
export const intentGiven = (vm: string, version: number) => ({ name: intentFile(vm), version });

export const descriptorFile = (vm: string, disk: string, layer: number): string =>
  layer === 0 ? `${vm}-${disk}.vmdk` : `${vm}-${disk}-${String(layer).padStart(6, "0")}.vmdk`;

/** Of descriptors of one disk the one that was made later has the higher layer. */
export const layerOf = (descriptor: string): number =>
  Number(/-(\d{6})\.vmdk$/.exec(descriptor)?.[1] ?? 0);

/** The names of its next layers are nobody's else, once this is durable and whatever becomes of them. */
export const reserving = (before: VmConfiguration): VmConfiguration => ({
  ...before,
  layersMade: before.layersMade + 1,
});

/** Whether the name was reserved: until then nothing bears it, or what somebody else makes does. */
export const isReserved = (descriptor: string, { layersMade }: VmConfiguration): boolean =>
  layerOf(descriptor) <= layersMade;

/** Volume that a descriptor of this name describes. */
export const volumeOf = (descriptor: string): string => descriptor.replace(/\.vmdk$/, "");

/** A content id for a layer that starts a life of its own: by its name, never 0 nor "no parent". */
export function contentIdOf(name: string): number {
  const hash = Number(hash64(new TextEncoder().encode(name)) & 0x7fff_fffen);
  return hash + 1;
}

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

/** A descriptor that could not be read, and why. */
export type DescriptorFile =
  | { readonly ok: true; readonly descriptor: DiskDescriptor }
  | {
      readonly ok: false;
      readonly code: DescriptorProblem["code"];
      readonly message: string;
    };

const KIND_ENTRY = "orrery.kind";
const GRAIN_ENTRY = "orrery.grainSectors";

const FORMATS: { readonly [kind in DiskDescriptor["kind"]]: readonly [string, string] } = {
  flat: ["vmfs", "VMFS"],
  redo: ["vmfsSparse", "VMFSSPARSE"],
  cow: ["vmfs", "VMFS"],
};

/** What the file of a descriptor holds. */
export function descriptorFileOf(descriptor: DiskDescriptor): PlainObject {
  const { cid, parentCid, parent, volume, kind, sectors, grainSectors } = descriptor;
  const [createType, type] = FORMATS[kind];
  const text: VmdkText = {
    contentId: cid,
    parentContentId: parent === null ? null : parentCid,
    parentHint: parent,
    createType,
    extents: [{ access: "RW", sectors, type, file: volume, offset: 0 }],
    dataBase: [
      ...geometryEntries(sectors),
      [KIND_ENTRY, kind],
      [GRAIN_ENTRY, String(grainSectors)],
    ],
  };
  return { text: writeVmdkText(text) };
}

/** Sound descriptors by their text: operations and invariants read the same few again and again. */
const known = new TextCache<DescriptorFile>();

/** Reads what the file of a descriptor holds, not to be changed; damage is told by its code. */
export function readDescriptor({ text }: PlainObject): DescriptorFile {
  if (typeof text !== "string") {
    return { ok: false, code: "not-a-descriptor", message: "holds no text" };
  }
  const before = known.get(text);
  if (before !== undefined) return before;
  const read = readText(text);
  if (read.ok) known.set(text, { ok: true, descriptor: Object.freeze(read.descriptor) });
  return read;
}

function readText(text: string): DescriptorFile {
  const parsed = parseVmdkText(text);
  if (!parsed.ok) {
    const { code, message, line } = parsed.problem;
    return { ok: false, code, message: line === 0 ? message : `line ${line}: ${message}` };
  }
  return fromText(parsed.descriptor);
}

function fromText(text: VmdkText): DescriptorFile {
  const { extents, dataBase } = text;
  const entries = new Map(dataBase);
  const kind = entries.get(KIND_ENTRY) as DiskDescriptor["kind"] | undefined;
  const grainSectors = Number(entries.get(GRAIN_ENTRY));
  if (kind === undefined || FORMATS[kind] === undefined || !(grainSectors > 0)) {
    return { ok: false, code: "missing-field", message: "no kind or grain in the data base" };
  }
  const [createType, type] = FORMATS[kind];
  const [extent, ...more] = extents;
  if (text.createType !== createType || extent!.type !== type || more.length > 0) {
    return { ok: false, code: "bad-extent", message: `not the one extent of a ${kind} volume` };
  }
  const descriptor: DiskDescriptor = {
    cid: text.contentId,
    parentCid: text.parentContentId ?? 0,
    parent: text.parentHint,
    volume: extent!.file,
    kind,
    sectors: extent!.sectors,
    grainSectors,
  };
  return { ok: true, descriptor };
}

/** The descriptor in a file, undefined when it is damaged. */
export function soundDescriptor(file: PlainObject): DiskDescriptor | undefined {
  const read = readDescriptor(file);
  return read.ok ? read.descriptor : undefined;
}

/** The descriptor in a file that is known to be sound. */
export function asDescriptor(file: PlainObject): DiskDescriptor {
  const read = readDescriptor(file);
  assert(read.ok, () => `a damaged descriptor: ${read.ok ? "" : read.message}`);
  return read.descriptor;
}
