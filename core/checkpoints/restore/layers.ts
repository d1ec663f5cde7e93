/**
 * The files that make up one checkpoint, the newest first: each has what was written since the one
 * below it. A page is read from the first file that has it.
 *
 * Must hold: of each unit of memory exactly one storage block is the source; a storage block that is
 * the source of nothing is not read.
 */
import type { EntityId } from "../../kernel/index.ts";
import type { Head } from "../file/layout.ts";
import type { Written } from "../save/saver-state.ts";

/** A storage block, of which file. */
export type Stored = Written & {
  /** Of a file below the newest one: its volume, and what its blocks are. */
  readonly below?: { readonly device: EntityId; readonly blockPages: number };
};

export type Layer = {
  readonly device: EntityId;
  readonly head: Head;
  readonly storage: readonly Written[];
};

export type Combined = {
  /** Pages that have one source: the size of the smallest blocks. */
  readonly unitPages: number;
  /** Oldest file first. */
  readonly storage: readonly Stored[];
};

export function combine(layers: readonly Layer[]): Combined {
  const [top, ...lower] = layers as [Layer, ...Layer[]];
  if (lower.length === 0) return { unitPages: top.head.blockPages, storage: top.storage };
  const unitPages = layers.map(({ head }) => head.blockPages).reduce(greatestDivisor);
  const isTaken = new Uint8Array(Math.ceil(top.head.pages / unitPages));
  const storage: Stored[] = [];
  for (const { device, head, storage: own } of layers) {
    const { blockPages } = head;
    const mark = device === top.device ? {} : { below: { device, blockPages } };
    const needed = own.filter((each) => takes(each, blockPages / unitPages, isTaken));
    storage.unshift(...needed.map((each): Stored => ({ ...each, ...mark })));
  }
  return { unitPages, storage };
}

/** Whether it is the source of anything. */
function takes({ blocks }: Written, units: number, isTaken: Uint8Array): boolean {
  let isNeeded = false;
  eachUnit(blocks, units, isTaken.length, (unit) => {
    if (isTaken[unit] === 0) isNeeded = true;
    isTaken[unit] = 1;
  });
  return isNeeded;
}

/** The units of memory in some blocks of so many each, as far as there is memory. */
export function eachUnit(
  blocks: readonly number[],
  units: number,
  limit: number,
  visit: (unit: number) => void,
): void {
  for (const block of blocks) {
    const end = Math.min(limit, (block + 1) * units);
    for (let unit = block * units; unit < end; unit++) visit(unit);
  }
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));
