/**
 * What brings the memory of a machine back: an entity beside the run that goes on, from before it does
 * until every page is there.
 */
import type { Entity, EntityId, Request, World } from "../../kernel/index.ts";
import type { InitiatorEntity } from "../../platform/index.ts";
import type { Prefetch, PrefetchFigures } from "../../vmm/index.ts";
import { type BesideConfig, blocksOf } from "../beside.ts";
import { eachUnit, type Stored } from "./layers.ts";

/**
 * `eager`: all is loaded before the machine goes on (the baseline); `lazy`: what is not there faults;
 * `working-set`: what the machine used when it was saved is loaded before, the rest as with `lazy`
 * (US 2016/0253201); `deferred`: as `lazy`, but the class of each page is known before, and what the
 * class tells is made when it is touched (US 9,529,728).
 */
export type RestoreMethod = "eager" | "lazy" | "working-set" | "deferred";

/** Trace client of a restore: armed are the pages that are absent. */
export const RESTORE_CLIENT = "restore";

export type RestoreCosts = {
  /** Decompressing a page, by another core than the guest's. */
  readonly decompressNs: number;
  /** Putting a page into memory: a copy and an entry of the page table. */
  readonly placeNs: number;
  /** Filling a page with one word; entering one that is there into the page table. */
  readonly makeNs: number;
  readonly mapNs: number;
};

/** LZ4 decompresses at three gigabytes a second or more. */
export const RESTORE_COSTS: RestoreCosts = {
  decompressNs: 1_300,
  placeNs: 230,
  makeNs: 170,
  mapNs: 60,
};

export type RestorerConfig = BesideConfig & {
  /** Trace client: armed are the pages that are absent. */
  readonly client: string;
  readonly method: RestoreMethod;
  /** Storage blocks that are read at once without anybody waiting for them. */
  readonly readsAtOnce: number;
  readonly costs: RestoreCosts;
  /** What a test breaks on purpose. */
  readonly careless:
    | "overwritesDirty"
    | "devicesGoOn"
    | "zeroFills"
    | "lies"
    | "clearsFlagFirst"
    | "keepsReference"
    | null;
  /** What is asked for with a page that the guest waits for; absent: nothing. */
  readonly prefetch?: Prefetch;
};

export type RestoreFigures = PrefetchFigures & {
  readonly reads: number;
  readonly readSectors: number;
  readonly loadedPages: number;
  /** Pages that the guest wrote before they came; they stay as it wrote them. */
  readonly keptPages: number;
  readonly faults: number;
  /** Faults on a storage block that was being read already. */
  readonly coalesced: number;
  readonly deviceFaults: number;
  readonly stallNs: number;
  readonly workingSetPages: number;
  /** With `deferred`: indexes, pages of a known class, made when touched, written, shared to the end. */
  readonly indexReads?: number;
  readonly knownPages?: number;
  readonly madePages?: number;
  readonly unsharedPages?: number;
  readonly sharedPages?: number;
};

/** A class of pages, and how many share its canonical page; none: there is no such page. */
export type PageClass = { readonly word: readonly number[]; readonly references: number };

/** A file that pages come from: the volume behind a device. */
export type RestoredFile = {
  readonly device: EntityId;
  readonly array: EntityId;
  readonly volume: string;
};

export type RestorerState = {
  /** `left`: its machine is another host's, and so is what is missing. */
  readonly stage: "idle" | "arming" | "loading" | "loaded" | "failed" | "left";
  /** Its machine is being moved (moving.ts), and stands still for that or not yet; absent: it is not. */
  readonly moving?: "begun" | "standing";
  /** What the devices are, for the other host. */
  readonly files?: readonly RestoredFile[];
  /** The file's volume. */
  readonly device: EntityId;
  readonly storage: readonly Stored[];
  /** Storage blocks by number: `reading` until they are placed. */
  readonly reading: readonly number[];
  readonly placed: number;
  /** Storage blocks that must be there before the machine goes on, in order; how many were asked for. */
  readonly first: readonly number[];
  readonly firstAsked: number;
  /** Next one to be read when nobody faults. */
  readonly cursor: number;
  /** Somebody waits for all of it: so many more are read at once. */
  readonly hurry: number;
  /** Page that the guest waits for, and since when; -1: none. */
  readonly waitsFor: number;
  readonly waitsSinceNs: number;
  readonly startedNs: number;
  /** For how long the machine stood still in each step of time since then (responsiveness.ts). */
  readonly stalls: readonly number[];
  readonly failure: string;
  /** Answered when the machine may go on, or when all is there. */
  readonly atReady: Request | null;
  readonly waiting: readonly Request[];
  /** Classes of pages, and indexes that were asked for and have come. */
  readonly deferred: {
    readonly classes: readonly PageClass[];
    readonly asked: number;
    readonly answered: number;
  } | null;
  readonly figures: RestoreFigures;
};

export type Restorer = Entity<RestorerConfig, Record<string, never>, RestorerState>;

/** By unit (a block; of several files the smallest one): number of its storage block. */
export const storageNumbers = (self: Restorer) =>
  self.world.arrays.open(`${self.name}#storage-of`, "u32", blocksOf(self.config));

/** By storage block: 1 once it was asked for. */
export const askedFor = (self: Restorer) =>
  self.world.arrays.open(`${self.name}#asked`, "u32", blocksOf(self.config));

/** Pages of a block of a storage block. */
export const blockPagesOf = ({ config }: Restorer, { below }: Stored): number =>
  below?.blockPages ?? config.blockPages;

/** Units of memory that a storage block is the source of. */
export function unitsOf(self: Restorer, number: number): number[] {
  const stored = self.volatile.storage[number]!;
  const numbers = storageNumbers(self);
  const units = blockPagesOf(self, stored) / self.config.blockPages;
  const found: number[] = [];
  eachUnit(stored.blocks, units, numbers.length, (unit) => {
    if (numbers.get(unit) === number) found.push(unit);
  });
  return found;
}

/** Newer files come later, and are the source of what they have. */
export function noteSources(self: Restorer, storage: readonly Stored[]): void {
  const numbers = storageNumbers(self);
  storage.forEach((stored, number) => {
    const units = blockPagesOf(self, stored) / self.config.blockPages;
    eachUnit(stored.blocks, units, numbers.length, (unit) => numbers.set(unit, number));
  });
}

/** The file that an entity brings pages from, as long as some are absent. */
export function restoredFile(world: World, owner: EntityId) {
  const entity = world.entityOrNone(owner) as unknown as Restorer | undefined;
  if (entity?.config.client !== RESTORE_CLIENT || entity.volatile.stage !== "loading") {
    return undefined;
  }
  const device = world.entityOrNone(entity.volatile.device) as unknown as
    InitiatorEntity | undefined;
  if (device === undefined) return undefined;
  const { array, volume } = device.config;
  return { checkpoint: entity.config.checkpoint, array, volume };
}
