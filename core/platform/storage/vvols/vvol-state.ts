/**
 * What an array knows of its copy-on-write volumes ("vvols" in the words of VASA 2.0): bases that
 * are written, and read-only snapshots of them.
 *
 * The snapshots of a base stand in the order of time, oldest first. Each keeps the chunks that were
 * overwritten while it was the newest; what it does not keep is that of the next one, and in the end
 * of the base. Contents: `kept:NAME` the kept sectors, `map:NAME` one sector for each kept chunk.
 * A clone is a base that begins with nothing of its own and reads from the snapshot it is a clone of.
 *
 * Must hold: a vvol has holders (descriptors, clones, open intents) and goes with the last of them;
 * a base that snapshots still read from stays until they are gone.
 */
import type { Entity, EntityId, Plain, SectorContent } from "../../../kernel/index.ts";
import type { ArrayEntity } from "../array-state.ts";
import { device, volumeLabel } from "../array-state.ts";
import { currentContent } from "../device-state.ts";

export type VvolBase = {
  /** Unit of copying, of differences and of bitmaps. */
  readonly chunkSectors: number;
  /** Taken snapshots, oldest first. */
  readonly snapshots: readonly string[];
  readonly holders: readonly string[];
  /** Reverts with a lower number than this are too late. */
  readonly fence: number;
  /**
   * Snapshot, of another base, that a clone shares its chunks with: those that it does not own yet,
   * which `map:NAME` tells, are read there. Absent: it owns all.
   */
  readonly origin?: string;
};

export type VvolSnapshot = {
  readonly base: string;
  /** Prepared: a place without content. Taken: a point in time of its base. */
  readonly state: "prepared" | "taken";
  /** Size of the base when it was taken. */
  readonly sectors: number;
  /** Grains of the array that its kept chunks take. */
  readonly grains: number;
  readonly holders: readonly string[];
};

/** Faults that strike the next tasks. */
export type VasaFaults = {
  /** Tasks that are forgotten when they end: they took effect, nobody can ask any more. */
  readonly lostTasks: number;
  /** Tasks that never say that they ended. */
  readonly lateTasks: number;
  /** Items of lists that fail. */
  readonly failedItems: number;
  /** Copies and reverts that stop half way with an error. */
  readonly tornCopies: number;
};

export type VvolsDurable = {
  /** Names ever given out. */
  readonly serial: number;
  readonly bases: { readonly [name: string]: VvolBase };
  readonly snapshots: { readonly [name: string]: VvolSnapshot };
  /**
   * Host that a vvol is bound to. As on real arrays a binding belongs to the configuration of a
   * protocol endpoint: it outlives restarts of the array and of the host, until it is unbound.
   */
  readonly bindings: { readonly [vvol: string]: string };
  readonly armed: VasaFaults;
};

/** One piece of a task: done in an event of its own, all or not at all. */
export type TaskItem = {
  readonly vvol: string;
  readonly ok: boolean;
  /** Why it failed; "" while it has not. */
  readonly code: string;
};

/** As VASA's TaskInfo: what a host is told when it asks how far a task is. */
export type VasaTask = {
  readonly verb: string;
  readonly body: Plain;
  readonly state: "running" | "success" | "error";
  /** Items that ended; for a list, one for each of its vvols. */
  readonly items: readonly TaskItem[];
  /** Sectors copied so far. */
  readonly copiedSectors: number;
  /** Where a copy goes on. */
  readonly cursor: number;
  readonly startedNs: number;
  /** Fault that strikes it: it is forgotten, or goes on "running", or stops half way. */
  readonly fate: "" | "lost" | "late" | "torn";
};

export type VvolsVolatile = {
  readonly nextTask: number;
  readonly tasks: { readonly [id: string]: VasaTask };
};

export type VvolsConfig = {
  readonly array: EntityId;
  /** Chunk of bases that are made without one. */
  readonly chunkSectors: number;
  /** Time of the array for a piece of metadata: a snapshot of one base. */
  readonly metadataNs: number;
};

export type VvolsEntity = Entity<VvolsConfig, VvolsDurable, VvolsVolatile>;

export const vvolsName = (array: string): string => `${array}/vvols`;

/** Names put together once for each array: a pure cache. */
const names = new WeakMap<ArrayEntity, string>();

/** The copy-on-write side of an array; undefined when it has none. */
export function vvolsOf(array: ArrayEntity): VvolsEntity | undefined {
  let name = names.get(array);
  if (name === undefined) names.set(array, (name = vvolsName(array.name)));
  const id = array.world.registry.idOf(name);
  return id === undefined ? undefined : (array.world.entity(id) as unknown as VvolsEntity);
}

export const arrayOf = (self: VvolsEntity): ArrayEntity =>
  self.world.entity(self.config.array) as unknown as ArrayEntity;

/** Holder of the snapshot that a clone shares chunks with. */
export const cloneHolder = (base: string): string => `clone:${base}`;

/** What lies in a base itself: all that it reads, unless it is a clone that shares some of it. */
export function baseContent(self: VvolsEntity, base: string): SectorContent {
  return currentContent(device(arrayOf(self)), volumeLabel(base));
}

export const keptContent = (self: VvolsEntity, snapshot: string, sectors: number): SectorContent =>
  self.content(`kept:${snapshot}`, sectors);

/** Chunks that a clone has of its own, as far as its origin goes. */
export const ownedMap = (self: VvolsEntity, clone: string, origin: string): SectorContent => {
  const { sectors, base } = self.durable.snapshots[origin]!;
  const { chunkSectors } = self.durable.bases[base]!;
  return self.content(`map:${clone}`, Math.ceil(sectors / chunkSectors));
};

export const chunkMap = (self: VvolsEntity, snapshot: string): SectorContent => {
  const { sectors, base } = self.durable.snapshots[snapshot]!;
  const { chunkSectors } = self.durable.bases[base]!;
  return self.content(`map:${snapshot}`, Math.ceil(sectors / chunkSectors));
};
