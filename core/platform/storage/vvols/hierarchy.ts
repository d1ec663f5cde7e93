/**
 * The hierarchy of vvols: bases made, snapshots prepared, taken and merged away, and who holds what.
 * Each function is one atomic change of the array's metadata; those that a host asks for answer as
 * block requests do.
 */
import type { Editable } from "../../../kernel/index.ts";
import { device, volumeLabel } from "../array-state.ts";
import { type BlockOutcome, DONE, refused } from "../block.ts";
import { persistMedium } from "../write-cache.ts";
import { addUsedGrains, createVolume, deleteVolume, grainsOfRuns } from "../volumes.ts";
import {
  arrayOf,
  baseContent,
  chunkMap,
  cloneHolder,
  keptContent,
  type VvolsDurable,
  type VvolsEntity,
} from "./vvol-state.ts";

const editable = (self: VvolsEntity): Editable<VvolsDurable> => self.editDurable();

/** Makes a base under a name that no other ever had; answers {vvol}. */
export function createBase(
  self: VvolsEntity,
  label: string,
  sectors: number,
  holder: string,
): BlockOutcome {
  const serial = editable(self).serial + 1;
  const vvol = `${label}.v${serial}`;
  const outcome = addBase(self, vvol, sectors, [holder], self.config.chunkSectors);
  if (!outcome.ok) return outcome;
  editable(self).serial = serial;
  self.durableStep(`create vvol ${vvol}`);
  return { ok: true, value: { vvol } };
}

/**
 * Makes a base that reads as a snapshot does and shares its chunks (fastCloneVirtualVolume of VASA
 * 2.0); no data moves. The clone holds the snapshot. Answers {vvol}.
 */
export function cloneSnapshot(
  self: VvolsEntity,
  snapshot: string,
  label: string,
  holder: string,
): BlockOutcome {
  const known = self.durable.snapshots[snapshot];
  if (known?.state !== "taken") return refused("gone", snapshot);
  const { chunkSectors } = self.durable.bases[known.base]!;
  const serial = editable(self).serial + 1;
  const vvol = `${label}.v${serial}`;
  const outcome = addBase(self, vvol, known.sectors, [holder], chunkSectors);
  if (!outcome.ok) return outcome;
  const durable = editable(self);
  durable.serial = serial;
  durable.bases[vvol]!.origin = snapshot;
  durable.snapshots[snapshot]!.holders.push(cloneHolder(vvol));
  self.durableStep(`clone vvol ${snapshot} as ${vvol}`);
  self.notice("vvol-cloned", { vvol, origin: snapshot });
  return { ok: true, value: { vvol } };
}

/** A clone shares nothing any more: it lets its origin go. */
export function detachClone(self: VvolsEntity, base: string): void {
  const { origin } = self.durable.bases[base]!;
  if (origin === undefined) return;
  delete editable(self).bases[base]!.origin;
  self.world.contents.remove(`${self.name}#map:${base}`);
  releaseVvols(self, [{ vvol: origin, holder: cloneHolder(base) }]);
}

/** Makes a base at once under a given name, at build. */
export function addBase(
  self: VvolsEntity,
  name: string,
  sectors: number,
  holders: readonly string[],
  chunkSectors: number,
): BlockOutcome {
  const made = createVolume(arrayOf(self), { name, sectors });
  if (!made.ok) return made;
  editable(self).bases[name] = { chunkSectors, snapshots: [], holders: [...holders], fence: 0 };
  return DONE;
}

/** A place for a snapshot of `base`; answers its name. Undefined: there is no such base. */
export function prepareSnapshot(
  self: VvolsEntity,
  base: string,
  holders: readonly string[],
): string | undefined {
  if (self.durable.bases[base] === undefined) return undefined;
  const durable = editable(self);
  const name = `${base}.s${++durable.serial}`;
  const { sectors } = baseContent(self, base);
  durable.snapshots[name] = { base, state: "prepared", sectors, grains: 0, holders: [...holders] };
  self.durableStep(`prepare ${name}`);
  return name;
}

/** The base's content, with every acknowledged write, is the snapshot's from now on. */
export function takeSnapshot(self: VvolsEntity, snapshot: string): BlockOutcome {
  const known = self.durable.snapshots[snapshot];
  if (known === undefined) return refused("gone", snapshot);
  if (known.state === "taken") return refused("taken-already", snapshot);
  persistMedium(device(arrayOf(self)), volumeLabel(known.base), Infinity);
  const durable = editable(self);
  durable.bases[known.base]!.snapshots.push(snapshot);
  durable.snapshots[snapshot]!.state = "taken";
  durable.snapshots[snapshot]!.sectors = baseContent(self, known.base).sectors;
  self.durableStep(`take ${snapshot}`);
  self.notice("vvol-taken", { vvol: snapshot, base: known.base });
  return DONE;
}

export type Hold = { readonly vvol: string; readonly holder: string };

/**
 * Adds holders; held already is no error. All or none. With `under` only to what that holder holds
 * too: one that works in the name of an intent is told so when the intent was settled meanwhile.
 */
export function holdVvols(self: VvolsEntity, holds: readonly Hold[], under?: string): BlockOutcome {
  const gone = holds.find(({ vvol }) => holdersOf(self, vvol) === undefined);
  if (gone !== undefined) return refused("gone", gone.vvol);
  const lost = holds.find(({ vvol }) => under !== undefined && !isHeld(self, vvol, under));
  if (lost !== undefined) return refused("not-held", lost.vvol);
  for (const { vvol, holder } of holds) {
    if (!holdersOf(self, vvol)!.includes(holder)) editHolders(self, vvol).push(holder);
  }
  self.durableStep("hold vvols");
  return DONE;
}

/** Takes holders away; what nobody holds any more goes. What is gone is no error. */
export function releaseVvols(self: VvolsEntity, holds: readonly Hold[]): BlockOutcome {
  for (const { vvol, holder } of holds) {
    if (!holdersOf(self, vvol)?.includes(holder)) continue;
    const holders = editHolders(self, vvol);
    holders.splice(holders.indexOf(holder), 1);
    removeUnheld(self, vvol);
  }
  self.durableStep("release vvols");
  return DONE;
}

/** Takes a holder away from all that it holds. */
export function releaseHolder(self: VvolsEntity, holder: string): BlockOutcome {
  const held = heldBy(self, holder);
  return releaseVvols(
    self,
    held.map((vvol) => ({ vvol, holder })),
  );
}

/** Vvols with this holder, snapshots first: a base goes after them. */
function heldBy(self: VvolsEntity, holder: string): string[] {
  const { snapshots, bases } = self.durable;
  return [...Object.entries(snapshots), ...Object.entries(bases)]
    .filter(([, { holders }]) => holders.includes(holder))
    .map(([vvol]) => vvol);
}

const isHeld = (self: VvolsEntity, vvol: string, holder: string): boolean =>
  holdersOf(self, vvol)?.includes(holder) ?? false;

export function holdersOf(self: VvolsEntity, vvol: string): readonly string[] | undefined {
  const { snapshots, bases } = self.durable;
  return (snapshots[vvol] ?? bases[vvol])?.holders;
}

function editHolders(self: VvolsEntity, vvol: string): string[] {
  const durable = editable(self);
  return (durable.snapshots[vvol] ?? durable.bases[vvol])!.holders;
}

function removeUnheld(self: VvolsEntity, vvol: string): void {
  if (holdersOf(self, vvol)!.length > 0) return;
  if (self.durable.bindings[vvol] !== undefined) delete editable(self).bindings[vvol];
  const snapshot = self.durable.snapshots[vvol];
  if (snapshot === undefined) return removeBaseIfFree(self, vvol);
  if (snapshot.state === "taken") mergeAway(self, vvol);
  else delete editable(self).snapshots[vvol];
  self.notice("vvol-removed", { vvol });
  removeBaseIfFree(self, snapshot.base);
}

/** A base without holders goes when no snapshot reads from it any more. */
function removeBaseIfFree(self: VvolsEntity, base: string): void {
  const known = self.durable.bases[base];
  if (known === undefined || known.holders.length > 0) return;
  if (Object.values(self.durable.snapshots).some((each) => each.base === base)) return;
  const { origin } = known;
  delete editable(self).bases[base];
  self.world.contents.remove(`${self.name}#map:${base}`);
  deleteVolume(arrayOf(self), { name: base });
  self.notice("vvol-removed", { vvol: base });
  if (origin !== undefined) releaseVvols(self, [{ vvol: origin, holder: cloneHolder(base) }]);
}

/** What only this snapshot kept becomes its predecessor's; no data moves but by reference. */
function mergeAway(self: VvolsEntity, vvol: string): void {
  const { base, sectors } = self.durable.snapshots[vvol]!;
  const { snapshots, chunkSectors } = self.durable.bases[base]!;
  const before = snapshots[snapshots.indexOf(vvol) - 1];
  if (before !== undefined) inherit(self, vvol, before, chunkSectors);
  const durable = editable(self);
  addUsedGrains(arrayOf(self), -durable.snapshots[vvol]!.grains);
  delete durable.snapshots[vvol];
  const family = durable.bases[base]!;
  family.snapshots = family.snapshots.filter((each) => each !== vvol);
  self.world.contents.remove(`${self.name}#kept:${vvol}`);
  self.world.contents.remove(`${self.name}#map:${vvol}`);
  self.measure("vvol-merged-sectors", sectors);
}

function inherit(self: VvolsEntity, from: string, to: string, chunkSectors: number): void {
  const { sectors } = self.durable.snapshots[to]!;
  const kept = keptContent(self, from, self.durable.snapshots[from]!.sectors);
  const target = keptContent(self, to, sectors);
  const map = chunkMap(self, to);
  for (const run of chunkMap(self, from).allocatedRuns()) {
    for (let chunk = run.sector; chunk < run.sector + run.sectors; chunk++) {
      if (chunk >= map.sectors || map.allocatedRuns(chunk, 1).length > 0) continue;
      const at = chunk * chunkSectors;
      const past = Math.min(at + chunkSectors, sectors);
      for (const held of kept.allocatedRuns(at, past - at)) {
        target.write(held.sector, kept.read(held.sector, held.sectors));
      }
      map.writeZeros(chunk, 1);
    }
  }
  const grains = grainsOfRuns(target.allocatedRuns(), arrayOf(self).config.grainSectors);
  const durable = editable(self);
  const gained = grains - durable.snapshots[to]!.grains;
  durable.snapshots[to]!.grains = grains;
  addUsedGrains(arrayOf(self), gained);
}
