/**
 * What must hold of storage, seen from outside: the content of every medium against a shadow made of
 * the acknowledgements alone, the memory of page caches, the space of arrays.
 *
 * The shadow of a medium is two contents: what reads must see, and what must be durable; between
 * them lie the writes that were acknowledged since. A fault that was injected on purpose (lost,
 * torn, misdirected write, lying flush, bit rot) breaks them: that is how it is found.
 */
import {
  always,
  type ContentRun,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  sameRuns,
  SectorContent,
  type World,
} from "../../kernel/index.ts";
import type { ArrayEntity } from "./array-state.ts";
import { overlaps, sliceRuns } from "./block.ts";
import { ACKNOWLEDGED, FORGOTTEN, POWER_LOST } from "./device-state.ts";
import { lastOtherEdit } from "./file-journal.ts";
import type { PagePoolEntity } from "./page-pool.ts";
import { keptGrains } from "./vvols/snapshot-reads.ts";
import { type VvolsEntity, vvolsOf } from "./vvols/vvol-state.ts";

type Write = {
  readonly id: number;
  readonly sector: number;
  readonly sectors: number;
  readonly runs: readonly ContentRun[] | null;
};

/** The notice "block-acknowledged"; see device.ts. */
type Acknowledged = { readonly medium: string } & (
  | {
      readonly op: "read";
      readonly sector: number;
      readonly sectors: number;
      readonly runs: readonly ContentRun[];
    }
  | ({ readonly op: "write"; readonly durable: boolean } & Write)
  | { readonly op: "flush"; readonly through: number }
);

type Unflushed = { [medium: string]: Write[] };

type Part = "seen" | "durable";

/** Names of the contents of a medium and of its shadow. */
interface Names {
  readonly medium: string;
  readonly cached: string;
  readonly seen: string;
  readonly durable: string;
}

/** By device and medium, each put together once: a pure cache. */
const names = new WeakMap<Entity, Map<string, Names>>();

function namesOf(entity: Entity, medium: string): Names {
  let known = names.get(entity);
  if (known === undefined) names.set(entity, (known = new Map()));
  let of = known.get(medium);
  if (of === undefined) {
    const { name } = entity;
    of = {
      medium: `${name}#${medium}`,
      cached: `${name}#cached:${medium}`,
      seen: `${name}/seen#${medium}`,
      durable: `${name}/durable#${medium}`,
    };
    known.set(medium, of);
  }
  return of;
}

function shadowOf(world: World, of: Names, part: Part): SectorContent {
  const durable = world.contents.get(of.medium);
  const name = of[part];
  const known = world.shadowContents.get(name);
  const sectors = durable?.sectors ?? 1;
  if (known !== undefined) {
    if (known.sectors !== sectors) known.resize(sectors);
    return known;
  }
  const shadow = world.shadowContents.open(name, sectors);
  const seen = world.contents.get(of.cached);
  const first = part === "seen" ? (seen ?? durable) : durable;
  if (first !== undefined) shadow.restore(first.capture());
  return shadow;
}

function apply(content: SectorContent, { sector, sectors, runs }: Write): void {
  if (sector + sectors > content.sectors) return;
  if (runs === null) content.discard(sector, sectors);
  else content.write(sector, runs);
}

function onAcknowledged(
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => PlainObject,
): Finding | undefined {
  const told = data as unknown as Acknowledged;
  const of = namesOf(entity, told.medium);
  const key = of.medium;
  const seen = shadowOf(world, of, "seen");
  if (told.op === "read") {
    const wanted = seen.read(told.sector, told.sectors);
    if (sameRuns(told.runs, wanted)) return undefined;
    const found = new SectorContent(told.sectors);
    found.write(0, told.runs);
    const expected = new SectorContent(told.sectors);
    expected.write(0, wanted);
    const [wrong] = found.diffRanges(expected);
    if (wrong === undefined) return undefined;
    const sector = told.sector + wrong.sector;
    return {
      message: "a read differs from what was acknowledged",
      fields: { medium: told.medium, sector },
    };
  }
  const unflushed = editShadow() as unknown as Unflushed;
  const writes = (unflushed[key] ??= []);
  const durable = shadowOf(world, of, "durable");
  if (told.op === "write") {
    apply(seen, told);
    const { id, sector, sectors, runs } = told;
    const write = { id, sector, sectors, runs };
    if (told.durable) {
      apply(durable, told);
      unflushed[key] = writes.flatMap((older) => outside(older, write));
    } else writes.push(write);
    return undefined;
  }
  const kept = writes.filter((write) => write.id > told.through);
  for (const write of writes) if (write.id <= told.through) apply(durable, write);
  unflushed[key] = kept;
  return undefined;
}

/** The parts of an unflushed write that a durable one did not come over. */
function outside(older: Write, newer: Write): Write[] {
  if (!overlaps(older, newer)) return [older];
  const parts: Write[] = [];
  const before = newer.sector - older.sector;
  const past = newer.sector + newer.sectors - older.sector;
  for (const [from, to] of [
    [0, before],
    [past, older.sectors],
  ] as const) {
    if (to <= from) continue;
    const runs = older.runs === null ? null : sliceRuns(older.runs, from, to - from);
    parts.push({ id: older.id, sector: older.sector + from, sectors: to - from, runs });
  }
  return parts;
}

function onForgotten(
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => PlainObject,
) {
  const { medium } = data as { medium: string };
  const of = namesOf(entity, medium);
  world.shadowContents.remove(of.seen);
  world.shadowContents.remove(of.durable);
  delete (editShadow() as unknown as Unflushed)[of.medium];
  names.get(entity)?.delete(medium);
}

function onPowerLost(
  entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => PlainObject,
): Finding | undefined {
  const { medium, unacknowledged } = data as unknown as {
    medium: string;
    unacknowledged: readonly Write[];
  };
  const of = namesOf(entity, medium);
  const key = of.medium;
  const unflushed = editShadow() as unknown as Unflushed;
  const possible = [...(unflushed[key] ?? []), ...unacknowledged];
  const found = world.contents.get(key);
  if (found === undefined) return undefined;
  const durable = shadowOf(world, of, "durable");
  let wrong: number | undefined;
  for (const range of found.diffRanges(durable)) {
    for (let sector = range.sector; sector < range.sector + range.sectors; sector++) {
      if (!possible.some((write) => couldBe(found, sector, write))) wrong ??= sector;
    }
  }
  for (const part of ["seen", "durable"] as const) {
    shadowOf(world, of, part).restore(found.capture());
  }
  unflushed[key] = [];
  if (wrong === undefined) return undefined;
  return {
    message: "a power loss left what is neither durable nor an unflushed write",
    fields: { medium, sector: wrong },
  };
}

function couldBe(found: SectorContent, sector: number, write: Write): boolean {
  if (sector < write.sector || sector >= write.sector + write.sectors) return false;
  const one = new SectorContent(found.sectors);
  apply(one, write);
  return one.equals(found, { span: { sector, sectors: 1 } });
}

function checkPool(entity: Entity, world: World): Finding | undefined {
  const pool = entity as unknown as PagePoolEntity;
  const { pages } = pool.volatile;
  const { limitPages } = pool.config;
  if (pages > limitPages)
    return { message: "more pages than memory", fields: { pages, limitPages } };
  const listed = world.contents.get(`${pool.name}#order`)?.allocatedSectors ?? 0;
  if (listed === pages) return undefined;
  return { message: "pages counted are not those in order", fields: { pages, listed } };
}

/** What snapshots keep on an array is space of it. */
const arrayUnder = (entity: Entity, world: World): ArrayEntity =>
  (entity.kind === "vvols"
    ? world.entity((entity as unknown as VvolsEntity).config.array)
    : entity) as unknown as ArrayEntity;

/** Arrays whose space added up, and after which edits: a pure cache. */
const addedUp = new WeakMap<ArrayEntity, { readonly array: number; readonly vvols: number }>();

/** Nothing to be added up again while nothing but files has changed. */
function checkSpace(array: ArrayEntity): Finding | undefined {
  const known = addedUp.get(array);
  const edit = lastOtherEdit(array);
  const vvols = vvolsOf(array)?.durableEdits ?? 0;
  if (known?.array === edit && known.vvols === vvols) return undefined;
  const wrong = wrongSpace(array);
  if (wrong === undefined) addedUp.set(array, { array: edit, vvols });
  return wrong;
}

function wrongSpace(array: ArrayEntity): Finding | undefined {
  const { durable, config } = array;
  const used = durable.usedGrains;
  let sum = keptGrains(array);
  let reserved = 0;
  for (const label in durable.volumes) {
    const volume = durable.volumes[label]!;
    sum += volume.grains;
    reserved += volume.reserved ?? 0;
  }
  if (used !== sum)
    return { message: "used space is not that of the volumes", fields: { used, sum } };
  if ((used + reserved) * config.grainSectors <= config.capacitySectors) return undefined;
  return { message: "more space used or set aside than there is", fields: { used, reserved } };
}

/** Counted anew from the contents, when the array gives its notice. */
function auditSpace(_entity: Entity, data: PlainObject): Finding | undefined {
  const { counted, kept } = data as { counted: number; kept: number };
  if (counted === kept) return undefined;
  return {
    message: "the space that is kept count of is not what is written",
    fields: { counted, kept },
  };
}

export const storageInvariants: readonly Invariant[] = [
  always("a device returns and keeps what it acknowledged", {
    mechanism: "storage",
    observes: {
      [ACKNOWLEDGED]: onAcknowledged as never,
      [POWER_LOST]: onPowerLost as never,
      [FORGOTTEN]: onForgotten as never,
    },
  }),
  always(
    "a page cache stays within its memory",
    { mechanism: "storage", reads: ["page-pool"] },
    checkPool,
  ),
  always(
    "space of an array adds up",
    { mechanism: "storage", reads: ["array", "vvols"], readsDurable: true },
    (entity, world) => checkSpace(arrayUnder(entity, world)),
  ),
  always("space of an array is what is written", {
    mechanism: "storage",
    observes: { "space-audit": auditSpace as never },
  }),
];
