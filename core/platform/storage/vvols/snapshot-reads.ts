/** Snapshots as the array's front end sees them: media that can be read, once they are bound. */
import type { ContentRun, SectorRange } from "../../../kernel/index.ts";
import type { ArrayEntity } from "../array-state.ts";
import { type BlockOutcome, type BlockRequest, isInRange, refused } from "../block.ts";
import { readVvol, vvolAllocation, vvolSectors } from "./vvol-content.ts";
import { vvolsOf } from "./vvol-state.ts";

const PREFIX = "snapshot:";

export const snapshotLabel = (name: string): string => `${PREFIX}${name}`;

export const isSnapshotLabel = (medium: string): boolean => medium.startsWith(PREFIX);

const nameOf = (medium: string): string => medium.slice(PREFIX.length);

export function isSnapshot(array: ArrayEntity, name: string): boolean {
  return vvolsOf(array)?.durable.snapshots[name]?.state === "taken";
}

/** A base goes by its holders, and by nothing else. */
export const isBase = (array: ArrayEntity, name: string): boolean =>
  vvolsOf(array)?.durable.bases[name] !== undefined;

/** A base that reads some of what it holds in a snapshot of another. */
export const isClone = (array: ArrayEntity, name: string): boolean =>
  vvolsOf(array)?.durable.bases[name]?.origin !== undefined;

/** Why a request to a snapshot is refused; undefined: it is a read that can be served. */
export function snapshotProblem(
  array: ArrayEntity,
  medium: string,
  request: BlockRequest,
): BlockOutcome | undefined {
  const vvol = nameOf(medium);
  const vvols = vvolsOf(array);
  const known = vvols?.durable.snapshots[vvol];
  if (vvols === undefined || known?.state !== "taken") return refused("gone", vvol);
  if (vvols.durable.bindings[vvol] === undefined) return refused("not-bound", vvol);
  if (request.op === "flush") return undefined;
  if (request.op !== "read") return refused("read-only", vvol);
  return isInRange(request, known.sectors) ? undefined : refused("out-of-range");
}

/** Content of a range of a snapshot's medium; undefined: the medium is no snapshot. */
export function readSnapshot(
  array: ArrayEntity,
  medium: string,
  range: SectorRange,
): readonly ContentRun[] | undefined {
  if (!isSnapshotLabel(medium)) return undefined;
  return readVvol(vvolsOf(array)!, nameOf(medium), range);
}

/** Written sectors of a clone, its own and those that it shares; undefined: it is none. */
export function cloneAllocation(array: ArrayEntity, name: string) {
  if (!isClone(array, name)) return undefined;
  const vvols = vvolsOf(array)!;
  return vvolAllocation(vvols, name, { sector: 0, sectors: vvolSectors(vvols, name) });
}

/** Grains of the array that all that is kept takes. */
export function keptGrains(array: ArrayEntity): number {
  const snapshots = vvolsOf(array)?.durable.snapshots;
  let kept = 0;
  for (const name in snapshots) kept += snapshots[name]!.grains;
  return kept;
}
