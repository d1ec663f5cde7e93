/** State of a machine's move on the host that it leaves, and what a stretch of a round sends. */
import {
  type Bitmap,
  type EntityId,
  type Entity,
  type Operation,
  type Plain,
  type PlainObject,
} from "../kernel/index.ts";
import { isDrained, isUnwritten, type VirtualDiskEntity } from "../disks/index.ts";
import {
  clientBitmap,
  type MemoryEntity,
  memoryOf,
  privatePages,
  readPages,
  settleMemory,
  type VmEntity,
} from "../vmm/index.ts";
import { type PackedPages, packPages, type PageSpan } from "./packing.ts";
import { leftOut } from "./referring.ts";
import { pick, type Scan } from "./scan.ts";
import {
  CLIENT,
  type MigrateParams,
  PAGE_BYTES,
  type PagesMessage,
  type Round,
} from "./settings.ts";

/** A local disk: the open disk, the mirror's other side, and up to where it was copied. */
export type MovedDisk = {
  readonly disk: string;
  readonly entity: EntityId;
  readonly target: EntityId;
  /** The medium there. */
  readonly device: EntityId;
  readonly sectors: number;
  cursor: number;
};

export type MigrateState = {
  memory: EntityId;
  startedNs: number;
  stoppedNs: number;
  isReserved: boolean;
  /** Its stun was asked for. */
  isStopped: boolean;
  isGiven: boolean;
  /** What only this host's memory had of its writes was sent on. */
  isFlushed?: boolean;
  isForced: boolean;
  /** The machine stands still: what is sent now is the rest. */
  isLast: boolean;
  rounds: Round[];
  round: { sinceNs: number; bytes: number; bitsPerSecond: number };
  scan: Scan & PlainObject;
  nextRate: number;
  /** Pages that were left to a later round, because they had been dirtied again. */
  skippedPages: number;
  /** Inputs that were held when the image was taken. */
  held: number;
  problem: string;
  /** What belongs to the problem; absent: nothing. */
  detail?: Plain;
  /** Post-copy: when it went on there, and since when its pages are pushed. */
  resumedNs?: number;
  isPushing?: boolean;
  /** Clients of the page-trace service that were told that somebody waits for them. */
  hurried?: string[];
  /** Local disks, in the order of the opening; absent: there are none. */
  disks?: MovedDisk[];
  /** Of local disks, sent in ranges. */
  diskBytes?: number;
  /** Arrays with absent pages that the destination brings, and who brings them here; -1: not yet. */
  refersTo?: { arrays: EntityId[]; owner: EntityId };
  /** Absent pages are not sent (referring.ts); how many that were in the end. */
  leavesOut?: boolean;
  referredPages?: number;
  /** Somebody wants the machine to stay. */
  cancelled?: boolean;
};

export type Op = Operation<MigrateParams & PlainObject, MigrateState & PlainObject>;

/** The run that is moved; undefined once it has ended. */
export function runOf(op: Op): VmEntity | undefined {
  const run = op.entity.world.entityOrNone(op.params.instance) as unknown as VmEntity | undefined;
  return run === undefined || run.volatile.stage === "ended" ? undefined : run;
}

const disksOf = (run: VmEntity): VirtualDiskEntity[] =>
  run.volatile.disks
    .map((disk) => run.world.entityOrNone(disk))
    .filter((disk) => disk !== undefined) as unknown as VirtualDiskEntity[];

/** Nothing is on its way to a disk, and no instruction waits to be carried out. */
export function isStill(run: VmEntity): boolean {
  const { exit } = run.volatile as { exit?: PlainObject | null };
  return (exit ?? null) === null && disksOf(run).every(isDrained);
}

/** Disks whose last writes only this host's memory has: they must not depend on it any more. */
export const unwrittenDisks = (run: VmEntity): EntityId[] =>
  disksOf(run)
    .filter(isUnwritten)
    .map(({ id }) => id);

/** Ownership files of its disks. */
export const ownedFiles = (run: VmEntity): string[] =>
  disksOf(run).flatMap(({ config }) => (config.stamp === undefined ? [] : [config.stamp.file]));

/**
 * A stretch lasts about so long on the wire, and is no more than so many pages. One that is pushed is
 * the least: what the machine waits for comes behind it.
 */
const STRETCH_NS = 20_000_000;
const STRETCH_PAGES = { least: 32, most: 1_024 };
const HEADER_BYTES = 64;

export type Stretch = { readonly bytes: number; readonly message: PagesMessage };

/** The next pages of the round as they are now; undefined when there are none. */
export function send(host: Entity, op: Op, run: VmEntity): Stretch | undefined {
  const memory = memoryOf(run);
  settleMemory(memory);
  const { isLast, rounds } = op.state;
  const { algorithm } = op.params.settings;
  const isAll = algorithm === "stop-and-copy" || (rounds.length === 0 && !isLast);
  const wanted = isAll ? null : clientBitmap(memory, CLIENT, "taken");
  return sendOf(host, op, run, wanted, isLast ? null : clientBitmap(memory, CLIENT, "dirty"));
}

/** The next ones that are `wanted` (null: all), but for those that will be sent `again`. */
export function sendOf(
  host: Entity,
  op: Op,
  run: VmEntity,
  wanted: Bitmap | null,
  again: Bitmap | null,
): Stretch | undefined {
  const memory = memoryOf(run);
  const { scan, round, isPushing } = op.state;
  const inTime = Math.floor((round.bitsPerSecond * (STRETCH_NS / 1e9)) / (8 * PAGE_BYTES));
  const { least } = STRETCH_PAGES;
  const most = isPushing === true ? least : Math.min(STRETCH_PAGES.most, Math.max(least, inTime));
  const passed = leftOut(op, memory);
  const picked = pick(scan, memory.config.pages, most, wanted, again, passed);
  const state = op.edit();
  state.scan.next = picked.next;
  state.skippedPages += picked.skipped;
  if (picked.pages === 0) return undefined;
  const bytes = picked.pages * PAGE_BYTES;
  state.round.bytes += bytes;
  host.world.addWork(picked.pages >>> 3);
  const packed = packRanges(memory, picked.ranges);
  const message = { vm: op.params.vm, source: op.entity.id, packed };
  return { bytes: bytes + HEADER_BYTES, message };
}

/** Pages as they are now, private ones as ciphertext. */
export function packRanges(
  memory: MemoryEntity,
  ranges: readonly { readonly page: number; readonly pages: number }[],
): PackedPages {
  const hidden = privatePages(memory);
  const spans: PageSpan[] = [];
  for (const range of ranges) {
    const end = range.page + range.pages;
    for (let page = range.page; page < end;) {
      const isPrivate = hidden.has(page);
      let pages = 1;
      while (page + pages < end && hidden.has(page + pages) === isPrivate) pages++;
      spans.push({ page, pages, isPrivate, runs: readPages(memory, page, pages) });
      page += pages;
    }
  }
  return packPages(spans);
}
