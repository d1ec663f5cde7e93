/**
 * The current disk reads as written, whatever is being done to its layers. The shadow of a disk is
 * made of what the guest sent and was told alone: what it must see, what must be durable, and the
 * writes whose fate is open. The view through the layers is held against it for every range that a
 * merge copied or a write copied up, in full after every change of the layers, and when the disk is
 * opened again. Where the fate of a write is open its sectors may read either way, but not one way
 * before a change of the layers and the other way after it.
 */
import {
  always,
  type ContentRun,
  type Editable,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  sameRuns,
  SectorContent,
  type SectorRange,
  type World,
} from "../../kernel/index.ts";
import { OWNERSHIP } from "../../platform/index.ts";
import { mediumUnder, viewOf } from "./device-view.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

type Write = {
  readonly sector: number;
  readonly sectors: number;
  readonly runs: readonly ContentRun[] | null;
};

/** `over`: number of the write that took its place and is not flushed, or 0. */
type Doubtful = Write & { over: number };

type DiskShadow = {
  /** The open disk; another one once it is opened again. */
  entity: number;
  /** Sent and not answered. */
  pending: { [id: string]: Write };
  /** Answered since the last flush, in order, each with its number. */
  unflushed: (Write & { readonly number: number })[];
  /** May have happened or not: failed, concurrent with another, or lost with an array's memory. */
  doubtful: Doubtful[];
  /** Flushes on their way: the number of the last write that was answered before. */
  flushes: { [id: string]: number };
  next: number;
};

/** Open writes that are kept one by one; of older ones only where they were is remembered. */
const MOST_OPEN = 4_096;

/** `before`: the view as it was when the layers began to change. */
type Part = "seen" | "durable" | "unknown" | "before";

const PARTS: readonly Part[] = ["seen", "durable", "unknown", "before"];

type Shadow = {
  disks: { [disk: string]: DiskShadow };
  /** Operations that are known to have replaced disks of a VM that was off. */
  replacedBy: string[];
  /** Of ownership files, as they are now. */
  epochs: { [file: string]: number };
};

const fresh = (entity: number): DiskShadow => ({
  entity,
  pending: {},
  unflushed: [],
  doubtful: [],
  flushes: {},
  next: 1,
});

const keyOf = ({ config }: VirtualDiskEntity): string => `${config.vm}/${config.disk}`;

function content(world: World, key: string, part: Part, sectors?: number) {
  return world.shadowContents.open(`view:${key}#${part}`, sectors);
}

const asDisk = (entity: Entity): VirtualDiskEntity => entity as unknown as VirtualDiskEntity;
type EditShadow = () => Editable<PlainObject>;

/**
 * Open at a host that lost it, and may not know: what its guest writes goes nowhere, and what is under
 * it is changed by others.
 */
function isLost({ config: { stamp } }: VirtualDiskEntity, { epochs }: Shadow): boolean {
  return stamp !== undefined && (epochs[stamp.file] ?? 0) > stamp.epoch;
}

function onOwnership(_entity: Entity, data: PlainObject, _world: World, editShadow: EditShadow) {
  const { file, epoch } = data as { readonly file: string; readonly epoch: number };
  (editShadow() as unknown as Shadow).epochs[file] = epoch;
}

function shadowOf(entity: Entity, editShadow: EditShadow): DiskShadow | undefined {
  const shadow = editShadow() as unknown as Shadow;
  const known = shadow.disks[keyOf(asDisk(entity))];
  // Opened elsewhere since: of a host's own disk, which has moved, no owner tells that.
  return isLost(asDisk(entity), shadow) || known?.entity !== entity.id ? undefined : known;
}

/** Every sector is as it was made durable, or as a write since then left it. */
function onOpened(entity: Entity, _data: PlainObject, world: World, editShadow: EditShadow) {
  const disk = asDisk(entity);
  const key = keyOf(disk);
  const { sectors } = disk.config;
  const view = viewOf(disk, 0, sectors);
  const shadow = editShadow() as unknown as Shadow;
  if (isLost(disk, shadow)) return undefined;
  const { disks } = shadow;
  const known = disks[key];
  disks[key] = fresh(entity.id);
  // Told again of the same one (it has grown): what is on its way still is.
  if (known?.entity === entity.id) disks[key].pending = known.pending;
  const isKnown = world.shadowContents.get(`view:${key}#durable`) !== undefined;
  const durable = content(world, key, "durable", sectors);
  // A disk that has grown: nothing is known of its new part.
  if (durable.sectors < sectors) durable.resize(sectors);
  const possible = [
    ...(known?.unflushed ?? []),
    ...(known?.doubtful ?? []),
    ...Object.values(known?.pending ?? {}),
  ];
  const unknown = content(world, key, "unknown", sectors);
  if (unknown.sectors < sectors) unknown.resize(sectors);
  const wrong = isKnown ? firstWrong(view, durable, 0, possible, unknown) : undefined;
  unknown.discard(0, sectors);
  // What an earlier run left in such a memory may go before anybody reads it.
  const open = mayForget(disk) ? possible : [];
  disks[key].doubtful = open.map(doubt);
  const before = open.map(({ sector, sectors: count }) => durable.read(sector, count));
  for (const part of ["seen", "durable"] as const) {
    content(world, key, part, sectors).restore(view.capture());
  }
  open.forEach(({ sector }, i) => durable.write(sector, before[i]!));
  if (wrong === undefined) return undefined;
  return {
    message: `sector ${wrong} of ${key} came back as nobody left it`,
    fields: { key, wrong },
  };
}

/** Power loss takes what is in the memory of an array, or of a disk of the host. */
const mayForget = ({ world, volatile }: VirtualDiskEntity): boolean =>
  volatile.layers.some(({ device }) => mediumUnder(world, device).config.cacheSectors > 0);

function onWrite(entity: Entity, data: PlainObject, _world: World, editShadow: EditShadow) {
  const shadow = shadowOf(entity, editShadow);
  const { id, sector, sectors, runs } = data as unknown as Write & { id: number };
  if (shadow !== undefined) shadow.pending[id] = { sector, sectors, runs };
}

function onFlush(entity: Entity, data: PlainObject, _world: World, editShadow: EditShadow) {
  const shadow = shadowOf(entity, editShadow);
  if (shadow !== undefined) shadow.flushes[data["id"] as number] = shadow.next - 1;
}

function onAnswered(entity: Entity, data: PlainObject, world: World, editShadow: EditShadow) {
  const shadow = shadowOf(entity, editShadow);
  if (shadow === undefined) return undefined;
  const { id, op, ok, sector, sectors, copied } = data as unknown as {
    readonly id: number;
    readonly op: string;
    readonly ok: boolean;
    readonly sector: number;
    readonly sectors: number;
    /** What else a write brought along lies in these. */
    readonly copied: readonly SectorRange[] | null;
  };
  if (op === "write" || op === "discard") {
    wrote(entity, world, shadow, id, ok);
    if (ok && copied !== null) return checkAll(entity, world, shadow, copied);
  } else if (op === "flush") flushed(entity, world, shadow, id, ok);
  else if (op === "copy" && ok) return check(entity, world, shadow, sector, sectors);
  return undefined;
}

function wrote(entity: Entity, world: World, shadow: DiskShadow, id: number, ok: boolean): void {
  const write = shadow.pending[id];
  if (write === undefined) return;
  delete shadow.pending[id];
  if (!ok) return void shadow.doubtful.push(doubt(write));
  // Until it is flushed it may go again, and what was there before it be back.
  for (const each of shadow.doubtful) if (contains(write, each)) each.over ||= shadow.next;
  // Of two that were under way at once either may have come last.
  if (meetsPending(shadow, write)) shadow.doubtful.push(doubt(write));
  apply(content(world, keyOf(asDisk(entity)), "seen"), write);
  const { sector, sectors, runs } = write;
  shadow.unflushed.push({ sector, sectors, runs, number: shadow.next++ });
  forgetOldest(entity, world, shadow);
}

function meetsPending({ pending }: DiskShadow, write: Write): boolean {
  for (const id in pending) if (overlap(pending[id]!, write)) return true;
  return false;
}

/** The shadow is bounded: a guest that never flushes leaves it without end otherwise. */
function forgetOldest(entity: Entity, world: World, shadow: DiskShadow): void {
  for (const open of [shadow.unflushed, shadow.doubtful]) {
    if (open.length <= MOST_OPEN) continue;
    const unknown = content(world, keyOf(asDisk(entity)), "unknown");
    for (const { sector, sectors } of open.splice(0, open.length - MOST_OPEN / 2)) {
      unknown.writeZeros(sector, sectors);
    }
  }
}

function flushed(entity: Entity, world: World, shadow: DiskShadow, id: number, ok: boolean): void {
  const through = shadow.flushes[id];
  delete shadow.flushes[id];
  if (!ok || through === undefined) return;
  const durable = content(world, keyOf(asDisk(entity)), "durable");
  const unknown = content(world, keyOf(asDisk(entity)), "unknown");
  for (const write of shadow.unflushed) {
    if (write.number > through) continue;
    apply(durable, write);
    unknown.discard(write.sector, write.sectors);
  }
  shadow.unflushed = shadow.unflushed.filter(({ number }) => number > through);
  shadow.doubtful = shadow.doubtful.filter(({ over }) => over === 0 || over > through);
}

function onRelayering(
  entity: Entity,
  _data: PlainObject,
  world: World,
  editShadow: EditShadow,
): void {
  if (shadowOf(entity, editShadow) === undefined) return;
  const disk = asDisk(entity);
  const { sectors } = disk.config;
  content(world, keyOf(disk), "before", sectors).restore(viewOf(disk, 0, sectors).capture());
}

function onLayers(entity: Entity, _data: PlainObject, world: World, editShadow: EditShadow) {
  const shadow = shadowOf(entity, editShadow);
  if (shadow === undefined) return undefined;
  const disk = asDisk(entity);
  const { sectors } = disk.config;
  const view = viewOf(disk, 0, sectors);
  const wrong = checkView(view, entity, world, shadow, 0);
  const key = keyOf(disk);
  const before = content(world, key, "before", sectors);
  const [changed] = view.diffRanges(before);
  world.shadowContents.remove(`view:${key}#before`);
  if (wrong !== undefined || changed === undefined) return wrong;
  return {
    message: `sector ${changed.sector} of ${key} reads otherwise since its layers changed`,
    fields: { disk: key, sector: changed.sector },
  };
}

/** An array's memory is gone: what was not flushed is there or not. */
function onCrash(_entity: Entity, _data: PlainObject, _world: World, editShadow: EditShadow) {
  for (const shadow of Object.values((editShadow() as unknown as Shadow).disks)) {
    for (const each of shadow.doubtful) each.over = 0;
    shadow.doubtful.push(...shadow.unflushed.map(doubt));
  }
}

function checkAll(
  entity: Entity,
  world: World,
  shadow: DiskShadow,
  ranges: readonly SectorRange[],
): Finding | undefined {
  for (const { sector, sectors } of ranges) {
    const wrong = check(entity, world, shadow, sector, sectors);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function check(
  entity: Entity,
  world: World,
  shadow: DiskShadow,
  sector: number,
  sectors: number,
): Finding | undefined {
  return checkView(viewOf(asDisk(entity), sector, sectors), entity, world, shadow, sector);
}

/** The same of what a range reads as that begins at `sector`. */
function checkView(
  view: SectorContent,
  entity: Entity,
  world: World,
  { pending, doubtful }: DiskShadow,
  sector: number,
): Finding | undefined {
  const key = keyOf(asDisk(entity));
  const seen = content(world, key, "seen");
  if (readsAs(view, seen, sector)) return undefined;
  const possible = [...Object.values(pending), ...doubtful.filter(({ over }) => over === 0)];
  const durable = content(world, key, "durable");
  const unknown = content(world, key, "unknown");
  const wrong = firstWrong(view, seen, sector, possible, unknown, durable);
  if (wrong === undefined) return undefined;
  return {
    message: `sector ${wrong} of ${key} does not read as written`,
    fields: { disk: key, sector: wrong },
  };
}

const readsAs = (view: SectorContent, expected: SectorContent, from: number): boolean =>
  sameRuns(view.read(0, view.sectors), expected.read(from, view.sectors));

/** The first sector that is neither as in `expected` nor as one of `possible` would have it. */
function firstWrong(
  view: SectorContent,
  expected: SectorContent,
  from: number,
  possible: readonly Write[],
  unknown: SectorContent,
  older?: SectorContent,
): number | undefined {
  if (readsAs(view, expected, from)) return undefined;
  const held = new SectorContent(view.sectors);
  held.write(0, expected.read(from, view.sectors));
  for (const range of view.diffRanges(held)) {
    for (let at = range.sector; at < range.sector + range.sectors; at++) {
      if (unknown.allocatedRuns(from + at, 1).length > 0) continue;
      const covering = possible.filter((write) => covers(write, from + at));
      const isLeft = (write: Write) => sameSector(view, at, write, from + at);
      if (covering.some(isLeft)) continue;
      if (older !== undefined && covering.length > 0 && sameContent(view, at, older, from + at)) {
        continue;
      }
      return from + at;
    }
  }
  return undefined;
}

function sameSector(view: SectorContent, at: number, write: Write, sector: number): boolean {
  const one = new SectorContent(write.sectors);
  one.write(0, write.runs ?? []);
  return sameContent(view, at, one, sector - write.sector);
}

function sameContent(a: SectorContent, atA: number, b: SectorContent, atB: number): boolean {
  const [left, right] = [new SectorContent(1), new SectorContent(1)];
  left.write(0, a.read(atA, 1));
  right.write(0, b.read(atB, 1));
  return left.equals(right);
}

function apply(shadow: SectorContent, { sector, sectors, runs }: Write): void {
  if (runs === null) shadow.discard(sector, sectors);
  else shadow.write(sector, runs);
}

const covers = ({ sector, sectors }: Write, at: number): boolean =>
  at >= sector && at < sector + sectors;

const contains = (a: Write, b: Write): boolean =>
  a.sector <= b.sector && b.sector + b.sectors <= a.sector + a.sectors;

const doubt = ({ sector, sectors, runs }: Write): Doubtful => ({ sector, sectors, runs, over: 0 });

const overlap = (a: Write, b: Write): boolean =>
  a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;

/**
 * The disks of a VM that is off hold something else now. It is told again by whoever settles what the
 * operation began, and by the operation itself when its answer comes late: the VM may run by then.
 */
function onReplaced(_entity: Entity, data: PlainObject, world: World, editShadow: EditShadow) {
  const { disks, replacedBy } = editShadow() as unknown as Shadow;
  const by = data["by"] as string;
  if (replacedBy.includes(by)) return;
  replacedBy.push(by);
  for (const key of Object.keys(disks)) {
    if (!key.startsWith(`${data["vm"] as string}/`)) continue;
    delete disks[key];
    for (const part of PARTS) world.shadowContents.remove(`view:${key}#${part}`);
  }
}

export const viewInvariant: Invariant = always(
  "the current disk reads as written, however far a merge is",
  {
    mechanism: "disks",
    shadow: { disks: {}, replacedBy: [], epochs: {} },
    observes: {
      "disk-opened": onOpened,
      "disk-write": onWrite,
      "disk-flush": onFlush,
      "disk-answered": onAnswered,
      "disk-relayering": onRelayering,
      "disk-layers": onLayers,
      "disks-replaced": onReplaced,
      [OWNERSHIP]: onOwnership,
      crash: onCrash,
    },
  },
);
