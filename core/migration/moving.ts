/** State of a machine's move on the host that it leaves, and what a stretch of a round sends. */
import {
  type EntityId,
  type Entity,
  type Operation,
  type Plain,
  type PlainObject,
} from "../kernel/index.ts";
import { isDrained, type VirtualDiskEntity } from "../disks/index.ts";
import {
  clientBitmap,
  memoryOf,
  privatePages,
  readPages,
  settleMemory,
  type VmEntity,
} from "../vmm/index.ts";
import { packPages, type PageSpan } from "./packing.ts";
import { pick, type Scan } from "./scan.ts";
import {
  CLIENT,
  type MigrateParams,
  PAGE_BYTES,
  type PagesMessage,
  type Round,
} from "./settings.ts";

export type MigrateState = {
  memory: EntityId;
  startedNs: number;
  stoppedNs: number;
  isReserved: boolean;
  /** Its stun was asked for. */
  isStopped: boolean;
  isGiven: boolean;
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

/** Ownership files of its disks. */
export const ownedFiles = (run: VmEntity): string[] =>
  disksOf(run).flatMap(({ config }) => (config.stamp === undefined ? [] : [config.stamp.file]));

/** A stretch lasts about so long on the wire, and is no more than so many pages. */
const STRETCH_NS = 20_000_000;
const STRETCH_PAGES = { least: 32, most: 1_024 };
const HEADER_BYTES = 64;

/** The next pages of the round as they are now; undefined when there are none. */
export function send(
  host: Entity,
  op: Op,
  run: VmEntity,
): { readonly bytes: number; readonly message: PagesMessage } | undefined {
  const memory = memoryOf(run);
  settleMemory(memory);
  const { scan, isLast, rounds, round } = op.state;
  const { algorithm } = op.params.settings;
  const isAll = algorithm === "stop-and-copy" || (rounds.length === 0 && !isLast);
  const wanted = isAll ? null : clientBitmap(memory, CLIENT, "taken");
  const again = isLast ? null : clientBitmap(memory, CLIENT, "dirty");
  const inTime = Math.floor((round.bitsPerSecond * (STRETCH_NS / 1e9)) / (8 * PAGE_BYTES));
  const most = Math.min(STRETCH_PAGES.most, Math.max(STRETCH_PAGES.least, inTime));
  const picked = pick(scan, memory.config.pages, most, wanted, again);
  const state = op.edit();
  state.scan.next = picked.next;
  state.skippedPages += picked.skipped;
  if (picked.pages === 0) return undefined;
  const hidden = privatePages(memory);
  const spans: PageSpan[] = [];
  for (const range of picked.ranges) {
    const end = range.page + range.pages;
    for (let page = range.page; page < end;) {
      const isPrivate = hidden.has(page);
      let pages = 1;
      while (page + pages < end && hidden.has(page + pages) === isPrivate) pages++;
      spans.push({ page, pages, isPrivate, runs: readPages(memory, page, pages) });
      page += pages;
    }
  }
  const bytes = picked.pages * PAGE_BYTES;
  state.round.bytes += bytes;
  host.world.addWork(picked.pages >>> 3);
  const message = { vm: op.params.vm, source: op.entity.id, packed: packPages(spans) };
  return { bytes: bytes + HEADER_BYTES, message };
}
