/**
 * The state that disks and arrays share: a queue of requests, a cache of writes that are
 * acknowledged but not yet durable, and the faults that are armed.
 *
 * A device holds one medium (a disk) or many (an array's volumes). Each medium is a durable sector
 * content under its label; a device with a volatile write cache also keeps, under `cached:LABEL`,
 * what reads see. Must hold: the second is the first with the cached writes applied in order.
 */
import type {
  ContentRun,
  Entity,
  Plain,
  PlainObject,
  Request,
  SectorContent,
  SectorRange,
} from "../../kernel/index.ts";
import type { BlockOutcome, BlockRequest } from "./block.ts";
import type { FaultRates } from "./fault-rates.ts";
import type { OwnerStamp } from "./ownership.ts";
import type { Timing } from "./service-time.ts";

/** A request that is no block request, by the name of its verb. */
export type VerbRequest = { readonly op: "verb"; readonly verb: string; readonly body: Plain };

/** A request in the device. */
export type DeviceOp = {
  readonly id: number;
  readonly medium: string;
  readonly io: BlockRequest | VerbRequest;
  /** Whom to answer; without its body. */
  readonly request: Request;
  readonly arrivedNs: number;
  /** For a flush: the last cached write that was acknowledged when it arrived. */
  readonly through: number;
  /** Who sent it and under which number, where it may be sent again; see array-sessions.ts. */
  readonly sender: string;
  readonly session: number;
  readonly number: number;
  readonly owner: string;
  /** Its sender's right to the disk; see ownership.ts. */
  readonly stamp: OwnerStamp | null;
};

/** An acknowledged write that a power loss may still undo. `runs` null: a discard. */
export type CachedWrite = {
  readonly id: number;
  readonly medium: string;
  readonly sector: number;
  readonly sectors: number;
  readonly runs: readonly ContentRun[] | null;
  /** Counts barriers: none of a later generation survives unless all of the earlier ones do. */
  readonly generation: number;
};

export type DeviceConfig = {
  readonly timing: Timing;
  /** Requests that it works on at once. */
  readonly queueDepth: number;
  readonly order: "fifo" | "elevator";
  /** Volatile write cache; 0: a write is durable when acknowledged. */
  readonly cacheSectors: number;
  /** Age at which cached writes go to the medium by themselves. */
  readonly destageNs: number;
  readonly rates: FaultRates;
};

/** Sectors that cannot be read until they are rewritten. */
export type BadSectors = {
  readonly medium: string;
  readonly sector: number;
  readonly sectors: number;
};

export type DeviceDurable = {
  readonly armed: {
    readonly lostWrites: number;
    readonly tornWrites: number;
    readonly misdirectedWrites: number;
    readonly lyingFlushes: number;
    readonly noSpace: boolean;
    readonly slowFactor: number;
  };
  readonly bad: readonly BadSectors[];
};

export type DeviceVolatile = {
  readonly nextOp: number;
  readonly waiting: readonly DeviceOp[];
  readonly active: readonly DeviceOp[];
  /** Where the last started request ends. */
  readonly head: number;
  readonly cache: {
    readonly writes: readonly CachedWrite[];
    readonly sectors: number;
    /** Number of the next cached write. */
    readonly next: number;
    readonly generation: number;
    readonly destaging: boolean;
  };
};

export type DeviceEntity = Entity<DeviceConfig, DeviceDurable, DeviceVolatile>;

/** What tells a disk and an array apart. */
export type Behaviour = {
  /** Labels of all media, in a fixed order. */
  readonly media: (self: DeviceEntity) => readonly string[];
  /** Takes space for a write; false when there is none. */
  readonly reserve: (
    self: DeviceEntity,
    medium: string,
    sector: number,
    sectors: number,
  ) => boolean;
  /** Told before sectors are given back. */
  readonly release: (self: DeviceEntity, medium: string, sector: number, sectors: number) => void;
  /** Told before sectors change, by whatever way; false: there is no space for what that takes. */
  readonly overwriting: (self: DeviceEntity, medium: string, range: SectorRange) => boolean;
  /** Content of a medium that is made of others; undefined: it holds its own. */
  readonly derived: (
    self: DeviceEntity,
    medium: string,
    range: SectorRange,
  ) => readonly ContentRun[] | undefined;
  /** Runs a verb, when its service time is over. */
  readonly perform: (self: DeviceEntity, verb: VerbRequest) => BlockOutcome;
  /** Whether a request that was served may still take effect; undefined: yes. */
  readonly recheck: (self: DeviceEntity, op: DeviceOp) => BlockOutcome | undefined;
  /** Told how a request ended, just before it is answered; what it is answered. */
  readonly ended: (self: DeviceEntity, op: DeviceOp, outcome: BlockOutcome) => BlockOutcome;
};

export const initialDurable = (): DeviceDurable => ({
  armed: {
    lostWrites: 0,
    tornWrites: 0,
    misdirectedWrites: 0,
    lyingFlushes: 0,
    noSpace: false,
    slowFactor: 1,
  },
  bad: [],
});

export const initialVolatile = (): DeviceVolatile => ({
  nextOp: 1,
  waiting: [],
  active: [],
  head: 0,
  cache: { writes: [], sectors: 0, next: 1, generation: 0, destaging: false },
});

/** The request of this id that the device works on. */
export function activeOf<O extends { readonly id: number }>(
  active: readonly O[],
  id: number,
): O | undefined {
  for (const op of active) if (op.id === id) return op;
  return undefined;
}

const cachedLabel = (medium: string): string => `cached:${medium}`;

/** What is durable. */
export function durableContent(self: DeviceEntity, medium: string): SectorContent {
  return self.content(medium);
}

/** What reads see: the durable content with the cached writes over it. */
export function currentContent(self: DeviceEntity, medium: string): SectorContent {
  return self.content(self.config.cacheSectors === 0 ? medium : cachedLabel(medium));
}

/** Makes the contents of a new medium. */
export function createMedium(self: DeviceEntity, medium: string, sectors: number): void {
  self.content(medium, sectors);
  if (self.config.cacheSectors > 0) self.content(cachedLabel(medium), sectors);
}

/** Forgets a medium: what it held, what was cached for it, and its bad sectors. */
export function removeMedium(self: DeviceEntity, medium: string): void {
  const state = self.edit();
  const kept = state.cache.writes.filter((write) => write.medium !== medium);
  state.cache.writes = kept;
  state.cache.sectors = kept.reduce((sum, write) => sum + write.sectors, 0);
  if (self.durable.bad.length > 0) {
    const durable = self.editDurable();
    durable.bad = durable.bad.filter((each) => each.medium !== medium);
  }
  self.world.contents.remove(`${self.name}#${medium}`);
  self.world.contents.remove(`${self.name}#${cachedLabel(medium)}`);
  tell(self, FORGOTTEN, () => ({ medium }));
}

/** Makes what reads see equal to what is durable: after a crash, or after loading an image. */
export function refreshCurrent(self: DeviceEntity, medium: string): void {
  if (self.config.cacheSectors === 0) return;
  currentContent(self, medium).restore(durableContent(self, medium).capture());
}

/** Notices of every acknowledged request, for observers only: given while one listens. */
export const ACKNOWLEDGED = "block-acknowledged";
export const POWER_LOST = "block-power-lost";
export const FORGOTTEN = "block-forgotten";

export function tell(self: DeviceEntity, kind: string, data: () => PlainObject): void {
  if (self.world.checker.observesNotice(kind)) self.notice(kind, data());
}
