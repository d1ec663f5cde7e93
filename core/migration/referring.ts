/**
 * Pages that a lazy restore has not brought yet when their machine is moved: they are not sent. What
 * travels is where they are, and the destination brings them from there by itself (US 9,053,065; the
 * restore's part is core/checkpoints/restore/moving.ts).
 *
 * Pages that come while the rounds run are sent like those that were written. At the standstill what is
 * absent is fixed: the rest is complete without it.
 *
 * Must hold: a page is sent, or absent at both ends and in the same file; until the machine is given
 * away the restore can go on here.
 */
import { type Bitmap, type Entity, type Plain } from "../kernel/index.ts";
import {
  type MachineMoves,
  movableRestore,
  RESTORE_CLIENT,
  referenceBytes,
} from "../checkpoints/index.ts";
import {
  absentPages,
  bitmapOf,
  clientBitmap,
  clientOf,
  type MemoryEntity,
  memoryOf,
  type TraceClient,
  type VmEntity,
} from "../vmm/index.ts";
import type { Op } from "./moving.ts";
import { CLIENT, type Far, type Reservation } from "./settings.ts";

const LEFT_OUT = `${CLIENT}.left-out`;

/** What a search must reach, else it shows nothing. */
export const MOVES_WHILE_LAZY = "a machine is moved whose restore is still lazy";

/** Arrays that the destination would read pages from, and its ways there; undefined: none, or no way. */
export function filesFor(run: VmEntity, destination: number): Reservation["files"] {
  const restore = movableRestore(run);
  if (restore === undefined) return undefined;
  const { messenger } = run.world;
  const files = restore.arrays.map((array) => {
    const paths = [...messenger.carriers(destination, run.world.entity(array).domain)];
    return { array, paths };
  });
  return files.every(({ paths }) => paths.length > 0) ? files : undefined;
}

/** The destination has answered: whether it reaches the files. */
export function noteFiles(op: Op, { isFar }: Far): void {
  if (isFar === true) delete op.edit().refersTo;
}

/** Before pages are copied. What is read meanwhile is what somebody waits for. */
export function beginReferring(op: Op, run: VmEntity): void {
  const { refersTo } = op.state;
  if (refersTo === undefined || refersTo.owner >= 0) return;
  const restore = movableRestore(run);
  const isSame = restore?.arrays.every((array) => refersTo.arrays.includes(array)) === true;
  if (!isSame) return void delete op.edit().refersTo;
  op.edit().refersTo!.owner = restore.owner;
  tell(op, "begun");
}

/** Whether this client's absent pages, or what it shares of them, need not be waited for. */
export const isReferred = ({ state }: Op, { owner }: TraceClient): boolean =>
  owner >= 0 && state.refersTo?.owner === owner;

/** Pages that are absent now; undefined: all are there. */
function absentOf(op: Op, memory: MemoryEntity): Bitmap | undefined {
  const client = clientOf(memory, RESTORE_CLIENT);
  if (client === undefined || !isReferred(op, client)) return undefined;
  return absentPages(memory, RESTORE_CLIENT);
}

const leftOutOf = (memory: MemoryEntity): Bitmap => bitmapOf(memory, LEFT_OUT, memory.config.pages);

/** Before the first pages are sent: those that are absent are left out. */
export function beginLeavingOut(op: Op, run: VmEntity): void {
  const memory = memoryOf(run);
  const absent = absentOf(op, memory);
  if (absent === undefined) return;
  leftOutOf(memory).become(absent);
  op.edit().leavesOut = true;
}

/** Pages that are not sent; null: none. */
export const leftOut = ({ state }: Op, memory: MemoryEntity): Bitmap | null =>
  state.leavesOut === true ? leftOutOf(memory) : null;

/** What has come since it was left out is sent, as if it had been written. */
export function noteArrived(op: Op, memory: MemoryEntity): void {
  const left = leftOut(op, memory);
  if (left === null) return;
  const absent = absentOf(op, memory);
  const dirty = clientBitmap(memory, CLIENT, "dirty");
  for (let page = left.next(0); page >= 0; page = left.next(page + 1)) {
    if (absent?.has(page) === true) continue;
    left.delete(page);
    if (op.params.careless?.forgetsArrived !== true) dirty.add(page);
  }
}

/** The machine stands still: what is absent now is absent at the destination. */
export function fixAbsent(op: Op, run: VmEntity): void {
  const memory = memoryOf(run);
  tell(op, "standing");
  const { algorithm } = op.params.settings;
  if (algorithm === "stop-and-copy" || algorithm === "post-copy") beginLeavingOut(op, run);
  else noteArrived(op, memory);
  const absent = absentOf(op, memory);
  if (absent === undefined) return;
  op.edit().referredPages = absent.count();
  op.entity.notice("sometimes", { name: MOVES_WHILE_LAZY });
}

/** Clients whose absent pages the destination brings. */
export const referred = (op: Op, run: VmEntity): readonly string[] =>
  absentOf(op, memoryOf(run)) === undefined ? [] : [RESTORE_CLIENT];

export const bytesOfReferences = (host: Entity, { state }: Op): number =>
  state.referredPages === undefined ? 0 : referenceBytes(host, state.refersTo!.owner);

/** The machine is given away. */
export const leaveRestore = (op: Op): void => tell(op, "left");

/** The move comes to nothing: the restore goes on here. */
export function keepRestore(op: Op, memory: MemoryEntity | undefined): void {
  tell(op, "stays");
  if (op.state.leavesOut === true && memory !== undefined) {
    memory.world.arrays.remove(`${memory.name}#${LEFT_OUT}`);
  }
}

function tell({ entity, state }: Op, stage: MachineMoves["stage"]): void {
  const owner = entity.world.entityOrNone(state.refersTo?.owner ?? -1);
  const told: MachineMoves = { stage };
  if (owner !== undefined) entity.world.call(owner, "machine-moves", told as Plain);
}
