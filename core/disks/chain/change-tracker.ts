/**
 * The durable half of changed-block tracking: a small file for each disk that names the regions
 * written since the last backup. It is marked ahead: a write to a region that is not marked yet
 * waits until the file says so. So after a crash, on any host, nothing that was written is missing
 * from it; that a marked region was not written after all costs a copy and no more.
 *
 * The file is written for the version that was read, and power-on writes it once more before it
 * relies on it: a host that was lost cannot unmark what its successor marked. The configuration
 * names the tracking; whatever gives the disks another content leaves that out, and the file counts
 * no more.
 *
 * Contents, memory of the host: `wanted` and `marked`, one sector for each region: what the file is
 * to say, and what it is known to say.
 */
import {
  type EntityId,
  equalPlain,
  type Plain,
  type PlainObject,
  type Reply,
  type SectorContent,
  type SectorRange,
} from "../../kernel/index.ts";
import type { FileValue } from "./array-requests.ts";
import { ARRAY_TIMEOUT_NS } from "./array-requests.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

/** 256 KiB: a disk of a terabyte has four million, kept as runs. */
const REGION_SECTORS = 512;

/** What the file holds. */
export type ChangesFile = {
  /** Named by the configuration as well. */
  readonly tracking: string;
  /** Backup since which they are complete. */
  readonly since: string;
  readonly regions: readonly { readonly sector: number; readonly sectors: number }[];
};

export type Tracker = {
  readonly array: EntityId;
  readonly tracking: string;
  /** Backup since which `wanted` is complete. */
  readonly since: string;
  /** Backup since which the file is, as far as is known; "": there is no file of this tracking. */
  readonly durableSince: string;
  /** Of the file; -1: not known. */
  readonly version: number;
  /** What was sent and is not answered; null: nothing. */
  readonly sent: ChangesFile | null;
  /** Flights that wait for their regions. */
  readonly waiting: readonly number[];
};

export const changesFile = (vm: string, disk: string): string => `${vm}-${disk}.changes`;

const regionsOf = ({ sector, sectors }: SectorRange): SectorRange => {
  const first = Math.floor(sector / REGION_SECTORS);
  return { sector: first, sectors: Math.ceil((sector + sectors) / REGION_SECTORS) - first };
};

function map(disk: VirtualDiskEntity, name: "wanted" | "marked"): SectorContent {
  return disk.content(name, Math.ceil(disk.config.sectors / REGION_SECTORS));
}

function covers(content: SectorContent, { sector, sectors }: SectorRange): boolean {
  const [run] = content.allocatedRuns(sector, sectors);
  return run?.sector === sector && run.sectors === sectors;
}

/** Whether a write may be sent; else it waits in the tracker until its regions are marked. */
export function isMarked(disk: VirtualDiskEntity, id: number, range: SectorRange): boolean {
  const { tracker } = disk.volatile;
  if (tracker === undefined || mayPass(disk, tracker, range)) return true;
  const { sector, sectors } = regionsOf(range);
  map(disk, "wanted").writeZeros(sector, sectors);
  disk.edit().tracker!.waiting.push(id);
  disk.measure("change-marks-waited", 1);
  pump(disk);
  return false;
}

function mayPass(disk: VirtualDiskEntity, { since, durableSince }: Tracker, range: SectorRange) {
  return since === durableSince && covers(map(disk, "marked"), regionsOf(range));
}

/** From here on changes since a backup are tracked; `changed` is what they are so far. */
export function beginTracking(
  disk: VirtualDiskEntity,
  array: EntityId,
  tracking: string,
  since: string,
  changed: SectorContent,
): void {
  const before = disk.volatile.tracker;
  disk.world.contents.remove(`${disk.name}#wanted`);
  const wanted = map(disk, "wanted");
  for (const run of changed.allocatedRuns()) {
    const { sector, sectors } = regionsOf(run);
    wanted.writeZeros(sector, sectors);
  }
  const own = before?.tracking === tracking ? before : undefined;
  disk.edit().tracker = {
    array,
    tracking,
    since,
    durableSince: own?.durableSince ?? "",
    version: own?.version ?? -1,
    sent: (own?.sent ?? null) as never,
    waiting: [...(own?.waiting ?? [])],
  };
  pump(disk);
}

/** A disk is opened whose file was found, and written once more, by power-on. */
export function goOnTracking(
  disk: VirtualDiskEntity,
  array: EntityId,
  { tracking, since, regions }: ChangesFile,
  version: number,
): void {
  const changed = disk.content("changed", disk.config.sectors);
  for (const { sector, sectors } of regions) {
    map(disk, "wanted").writeZeros(sector, sectors);
    map(disk, "marked").writeZeros(sector, sectors);
    const first = sector * REGION_SECTORS;
    const past = Math.min((sector + sectors) * REGION_SECTORS, disk.config.sectors);
    changed.writeZeros(first, past - first);
  }
  const state = disk.edit();
  state.changedSince = since;
  const known = { array, tracking, since, durableSince: since, version, sent: null, waiting: [] };
  state.tracker = known;
}

/** Nothing of it is on its way. */
export const isTrackerIdle = ({ volatile: { tracker } }: VirtualDiskEntity): boolean =>
  tracker === undefined || (tracker.sent === null && tracker.since === tracker.durableSince);

/** The tracking of a disk that is opened anew under another entity. */
export function moveTracking(from: VirtualDiskEntity, to: VirtualDiskEntity): void {
  const { tracker, changedSince } = from.volatile;
  for (const [name, sectors] of [
    ["changed", to.config.sectors],
    ["wanted", Math.ceil(to.config.sectors / REGION_SECTORS)],
    ["marked", Math.ceil(to.config.sectors / REGION_SECTORS)],
  ] as const) {
    const held = from.world.contents.get(`${from.name}#${name}`);
    for (const run of held?.allocatedRuns() ?? []) {
      to.content(name, sectors).writeZeros(run.sector, run.sectors);
    }
  }
  const state = to.edit();
  state.changedSince = changedSince;
  if (tracker !== undefined) state.tracker = { ...tracker, waiting: [], sent: null };
}

/** Sends what the file is to say, unless it says so or something is on its way. */
function pump(disk: VirtualDiskEntity): void {
  const tracker = disk.volatile.tracker!;
  if (tracker.sent !== null) return;
  const wanted = map(disk, "wanted").allocatedRuns();
  const marked = map(disk, "marked");
  const isKnown = tracker.since === tracker.durableSince;
  if (isKnown && wanted.every((run) => covers(marked, run))) return;
  const { tracking, since } = tracker;
  const regions = wanted.map(({ sector, sectors }) => ({ sector, sectors }));
  const sent: ChangesFile = { tracking, since, regions };
  disk.edit().tracker!.sent = sent as never;
  if (tracker.version < 0) look(disk);
  else send(disk);
}

function send(disk: VirtualDiskEntity): void {
  const { sent, version } = disk.volatile.tracker!;
  ask(disk, "file-write", { value: sent as unknown as Plain, ifVersion: version }, "write");
}

const look = (disk: VirtualDiskEntity): void => ask(disk, "file-read", {}, "read");

function ask(disk: VirtualDiskEntity, verb: string, body: PlainObject, tag: string): void {
  const { vm, disk: id } = disk.config;
  const named = { name: changesFile(vm, id), ...body };
  const extras = { then: "changes-replied", tag, timeoutNs: ARRAY_TIMEOUT_NS, bytes: 1_024 };
  disk.ask(disk.volatile.tracker!.array, verb, named, extras);
}

/** What an answer means for the flights that wait: those that may go on, or why none may. */
export type Marked = { readonly go: readonly number[] } | { readonly lost: readonly number[] };

/** Handler: an answer of the array. Without one, and after a conflict, the file tells. */
export function onChangesReply(disk: VirtualDiskEntity, reply: Reply): Marked {
  const tracker = disk.volatile.tracker;
  if (tracker?.sent === undefined || tracker.sent === null) return { go: [] };
  if (reply.tag === "write") {
    if (reply.ok) return written(disk, (reply.value as { version: number }).version);
    look(disk);
    return { go: [] };
  }
  if (!reply.ok && reply.code !== "no-file") {
    look(disk);
    return { go: [] };
  }
  const found = reply.ok ? (reply.value as unknown as FileValue) : { value: {}, version: 0 };
  return judge(disk, found, tracker);
}

function judge(disk: VirtualDiskEntity, { value, version }: FileValue, tracker: Tracker): Marked {
  if (version > 0 && equalPlain(value, tracker.sent as unknown as PlainObject)) {
    return written(disk, version);
  }
  const file = value as Partial<ChangesFile>;
  const isForeign = tracker.durableSince !== "" && version !== tracker.version;
  if (isForeign && file.tracking === tracker.tracking) {
    // Another host goes on with this disk; nothing that is written here may count.
    const { waiting } = tracker;
    disk.edit().tracker!.waiting = [];
    disk.edit().tracker!.sent = null;
    return { lost: waiting };
  }
  disk.edit().tracker!.version = version;
  send(disk);
  return { go: [] };
}

function written(disk: VirtualDiskEntity, version: number): Marked {
  const { sent, durableSince } = disk.volatile.tracker!;
  if (sent!.since !== durableSince) disk.world.contents.remove(`${disk.name}#marked`);
  for (const { sector, sectors } of sent!.regions) {
    map(disk, "marked").writeZeros(sector, sectors);
  }
  const { waiting } = disk.volatile.tracker!;
  const state = disk.edit().tracker!;
  state.durableSince = sent!.since;
  state.version = version;
  state.sent = null;
  state.waiting = [];
  pump(disk);
  return { go: waiting };
}
