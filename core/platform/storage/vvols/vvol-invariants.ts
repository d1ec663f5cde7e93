/**
 * What must hold of copy-on-write volumes. The shadow of a snapshot is the base as it was when the
 * snapshot was taken; it is held against what the snapshot reads whenever its base is written, a
 * neighbour goes, or power is lost.
 */
import {
  always,
  type ContentRun,
  type Finding,
  type Invariant,
  type PlainObject,
  sameRuns,
  SectorContent,
  type SectorRange,
  type World,
} from "../../../kernel/index.ts";
import type { ArrayEntity } from "../array-state.ts";
import { volumeLabel } from "../array-state.ts";
import { overlaps } from "../block.ts";
import { ACKNOWLEDGED, POWER_LOST } from "../device-state.ts";
import { baseOf, ownPieces, readVvol, wholeVvol } from "./vvol-content.ts";
import { baseContent, cloneHolder, type VvolsEntity, vvolsOf } from "./vvol-state.ts";

const shadowName = (self: VvolsEntity, vvol: string): string => `${self.name}/point#${vvol}`;

function remember(self: VvolsEntity, data: PlainObject, world: World): void {
  const { vvol, base } = data as { vvol: string; base: string };
  world.shadowContents.put(shadowName(self, vvol), wholeVvol(self, base).fork());
}

function changedAt(self: VvolsEntity, vvol: string, range: SectorRange): Finding | undefined {
  const shadow = self.world.shadowContents.get(shadowName(self, vvol));
  if (shadow === undefined) return undefined;
  const sectors = Math.min(range.sector + range.sectors, shadow.sectors) - range.sector;
  if (sectors <= 0) return undefined;
  const wrong = firstDifferent(
    readVvol(self, vvol, { sector: range.sector, sectors }),
    shadow.read(range.sector, sectors),
    sectors,
  );
  return wrong < 0 ? undefined : changed(vvol, range.sector + wrong);
}

/** The first of so many sectors in which the runs differ; -1: none. */
function firstDifferent(
  found: readonly ContentRun[],
  expected: readonly ContentRun[],
  sectors: number,
): number {
  if (sameRuns(found, expected)) return -1;
  const [left, right] = [new SectorContent(sectors), new SectorContent(sectors)];
  left.write(0, found);
  right.write(0, expected);
  return left.diffRanges(right)[0]?.sector ?? -1;
}

const changed = (vvol: string, sector: number): Finding => ({
  message: `snapshot ${vvol} changed`,
  fields: { vvol, sector },
});

/** All snapshots of a family, in full. */
function familyChanged(self: VvolsEntity, base: string): Finding | undefined {
  for (const vvol of self.durable.bases[base]?.snapshots ?? []) {
    const shadow = self.world.shadowContents.get(shadowName(self, vvol));
    const [wrong] = shadow?.diffRanges(wholeVvol(self, vvol)) ?? [];
    if (wrong !== undefined) return changed(vvol, wrong.sector);
  }
  return undefined;
}

const baseOfMedium = (medium: string): string => medium.slice(volumeLabel("").length);

function afterWrite(array: ArrayEntity, data: PlainObject): Finding | undefined {
  const self = vvolsOf(array);
  if (self === undefined || data["op"] !== "write") return undefined;
  const { medium, sector, sectors } = data as { medium: string } & SectorRange;
  for (const vvol of self.durable.bases[baseOfMedium(medium)]?.snapshots ?? []) {
    const finding = changedAt(self, vvol, { sector, sectors });
    if (finding !== undefined) return finding;
  }
  return undefined;
}

// --- clones -----------------------------------------------------------------------------------

const cloneShadow = (self: VvolsEntity, base: string): string => `${self.name}/clone#${base}`;

function rememberClone(self: VvolsEntity, data: PlainObject, world: World): void {
  const { vvol, origin } = data as { vvol: string; origin: string };
  world.shadowContents.put(cloneShadow(self, vvol), wholeVvol(self, origin).fork());
}

/** A clone reads as its origin did, but for what was written to it. */
function cloneAfterWrite(array: ArrayEntity, data: PlainObject): Finding | undefined {
  const self = vvolsOf(array);
  if (self === undefined || data["op"] !== "write") return undefined;
  const { medium, sector, sectors, runs } = data as unknown as { medium: string } & SectorRange & {
      readonly runs: readonly ContentRun[] | null;
    };
  const base = baseOfMedium(medium);
  const shadow = self.world.shadowContents.get(cloneShadow(self, base));
  if (shadow === undefined) return undefined;
  const { sectors: size } = baseContent(self, base);
  if (shadow.sectors < size) shadow.resize(size);
  if (runs === null) shadow.discard(sector, sectors);
  else shadow.write(sector, runs);
  const { chunkSectors } = self.durable.bases[base]!;
  const from = sector - (sector % chunkSectors);
  const past = Math.min(Math.ceil((sector + sectors) / chunkSectors) * chunkSectors, size);
  const span = { sector: from, sectors: past - from };
  const wrong = firstDifferent(
    readVvol(self, base, span),
    shadow.read(from, past - from),
    past - from,
  );
  return wrong < 0 ? undefined : cloneChanged(base, from + wrong);
}

const cloneChanged = (vvol: string, sector: number): Finding => ({
  message: `clone ${vvol} does not read as its origin and what was written`,
  fields: { vvol, sector },
});

/** Everything, after something went that they may have shared. */
function clonesChanged(self: VvolsEntity, world: World): Finding | undefined {
  for (const base of Object.keys(self.durable.bases)) {
    const shadow = world.shadowContents.get(cloneShadow(self, base));
    const [wrong] = shadow?.diffRanges(wholeVvol(self, base)) ?? [];
    if (wrong !== undefined) return cloneChanged(base, wrong.sector);
  }
  return undefined;
}

/** What was not durable may be gone: from here on it reads as it does, where it is its own. */
function cloneAfterPowerLoss(self: VvolsEntity, base: string, world: World): Finding | undefined {
  const shadow = world.shadowContents.get(cloneShadow(self, base));
  if (shadow === undefined) return undefined;
  const whole = wholeVvol(self, base);
  const shared = ownPieces(self, base, { sector: 0, sectors: whole.sectors });
  for (const range of whole.diffRanges(shadow)) {
    const lost = shared.find((each) => each.shared && overlaps(each, range));
    if (lost !== undefined) return cloneChanged(base, lost.sector);
  }
  world.shadowContents.put(cloneShadow(self, base), whole.fork());
  return undefined;
}

function afterRemoval(self: VvolsEntity, data: PlainObject, world: World): Finding | undefined {
  const { vvol } = data as { vvol: string };
  world.shadowContents.remove(shadowName(self, vvol));
  world.shadowContents.remove(cloneShadow(self, vvol));
  for (const base of Object.keys(self.durable.bases)) {
    const finding = familyChanged(self, base);
    if (finding !== undefined) return finding;
  }
  return clonesChanged(self, world);
}

/** A bitmap may tell more than what differs, never less. */
function underApproximates(self: VvolsEntity, data: PlainObject): Finding | undefined {
  const { vvol, since, ranges } = data as unknown as {
    vvol: string;
    since: string | null;
    ranges: readonly SectorRange[];
  };
  const told = new SectorContent(contentNow(self, vvol).sectors);
  for (const { sector, sectors } of ranges) told.writeZeros(sector, sectors);
  const differing =
    since === null
      ? contentNow(self, vvol).allocatedRuns()
      : contentNow(self, vvol).diffRanges(contentNow(self, since), { allocation: true });
  for (const { sector, sectors } of differing) {
    const [run] = told.allocatedRuns(sector, sectors);
    if (run?.sector === sector && run.sectors === sectors) continue;
    return { message: `the difference of ${vvol} leaves out a sector`, fields: { vvol, sector } };
  }
  return undefined;
}

/** By the shadow: what a snapshot reads may be what is wrong. */
const contentNow = (self: VvolsEntity, vvol: string): SectorContent =>
  baseOf(self, vvol) === vvol
    ? wholeVvol(self, vvol)
    : (self.world.shadowContents.get(shadowName(self, vvol)) ?? wholeVvol(self, vvol));

function brokenTable(self: VvolsEntity): Finding | undefined {
  const { bases, snapshots } = self.durable;
  for (const [name, { base, state, holders }] of Object.entries(snapshots)) {
    const listed = bases[base]?.snapshots.includes(name);
    if (listed === undefined) return { message: `snapshot ${name} has no base` };
    if (listed !== (state === "taken")) return { message: `snapshot ${name} is out of its place` };
    if (holders.length === 0) return { message: `snapshot ${name} is held by nobody` };
    const clones = holders.filter((holder) => holder.startsWith(cloneHolder("")));
    const stale = clones.find(
      (holder) => bases[holder.slice(cloneHolder("").length)]?.origin !== name,
    );
    if (stale !== undefined) return { message: `snapshot ${name} is held by ${stale}, no clone` };
  }
  for (const [name, base] of Object.entries(bases)) {
    const lost = base.snapshots.find((each) => snapshots[each] === undefined);
    if (lost !== undefined) return { message: `base ${name} reads from ${lost}, which is gone` };
    const { origin } = base;
    if (origin === undefined || snapshots[origin]?.holders.includes(cloneHolder(name))) continue;
    return { message: `clone ${name} shares with ${origin}, which it does not hold` };
  }
  return undefined;
}

export const vvolInvariants: readonly Invariant[] = [
  always("a snapshot of a copy-on-write volume never changes", {
    mechanism: "vvols",
    observes: {
      "vvol-taken": (entity, data, world) => remember(entity as never, data, world),
      "vvol-removed": (entity, data, world) => afterRemoval(entity as never, data, world),
      [ACKNOWLEDGED]: (entity, data) => afterWrite(entity as never, data),
      [POWER_LOST]: (entity, data) => {
        const self = vvolsOf(entity as never);
        const base = baseOfMedium((data as { medium: string }).medium);
        return self === undefined ? undefined : familyChanged(self, base);
      },
    },
  }),
  always("a clone reads as its origin, but for what was written to it", {
    mechanism: "vvols",
    observes: {
      "vvol-cloned": (entity, data, world) => rememberClone(entity as never, data, world),
      [ACKNOWLEDGED]: (entity, data) => cloneAfterWrite(entity as never, data),
      [POWER_LOST]: (entity, data, world) => {
        const self = vvolsOf(entity as never);
        const base = baseOfMedium((data as { medium: string }).medium);
        return self === undefined ? undefined : cloneAfterPowerLoss(self, base, world);
      },
    },
  }),
  always("a difference of copy-on-write volumes leaves out nothing", {
    mechanism: "vvols",
    observes: { "vvol-bitmap": (entity, data) => underApproximates(entity as never, data) },
  }),
  always(
    "copy-on-write volumes have a base, a place and holders",
    { mechanism: "vvols", reads: ["vvols"] },
    (entity) => brokenTable(entity as never),
  ),
];
