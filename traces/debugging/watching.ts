/**
 * Breakpoints and watches as the machine can see them: virtual addresses of code, physical ranges of
 * RAM. What a debugger watches follows the memory, not the address: it is looked up once.
 */
import { rv64 } from "../../core/guest/index.ts";
import type { Stops, WatchedRange, WatchKind } from "./debug-target.ts";
import { takesInterrupt } from "./interrupts.ts";

const { PAGE_BYTES, RAM_BASE } = rv64.layout;
const MOST_BREAKPOINTS = 128;
/** One of the engine's is for `tohost`. */
const MOST_PIECES = 15;
const MOST_BYTES = 65_536;

interface Watched {
  readonly range: WatchedRange;
  /** Physical. */
  readonly pieces: readonly rv64.Watch[];
}

export interface ResolvedStops {
  readonly breakpoints: readonly bigint[];
  readonly watched: readonly Watched[];
  /** What the engine sees by itself; none when pages are traced. */
  readonly stores: readonly rv64.Watch[];
  /** Loads are watched: every access to these pages of RAM has to be looked at before it is made. */
  readonly traced: readonly number[];
}

export const NO_STOPS: ResolvedStops = {
  breakpoints: [],
  watched: [],
  stores: [],
  traced: [],
};

/** A stop on the way, at the place where it is shown backwards. */
export interface FoundStop {
  readonly place: number;
  readonly hart: number;
  readonly kind: "breakpoint" | "watch";
  /** Undefined: which one is still to be seen. */
  readonly range?: WatchedRange;
}

/** A debugger's address: as the hart sees it or, where nothing is mapped, a physical one. */
export const physicalOf = (engine: rv64.Engine, hart: number, address: bigint): bigint =>
  rv64.addressOf(engine, hart, address) ?? address;

/** Or what is wrong with them. */
export function resolveStops(
  engine: rv64.Engine,
  hart: number,
  { breakpoints, watches }: Stops,
): ResolvedStops | string {
  const addresses = [...new Set(breakpoints)];
  if (addresses.length > MOST_BREAKPOINTS) return `more than ${MOST_BREAKPOINTS} breakpoints`;
  const watched: Watched[] = [];
  for (const range of watches) {
    const pieces = piecesOf(engine, hart, range);
    if (typeof pieces === "string") return pieces;
    watched.push({ range, pieces });
  }
  const pieces = watched.flatMap((each) => each.pieces);
  if (watches.some(({ kind }) => kind !== "write")) {
    const pages = pieces.map((piece) => Math.floor((piece.address - RAM_BASE) / PAGE_BYTES));
    return { breakpoints: addresses, watched, stores: [], traced: [...new Set(pages)] };
  }
  if (pieces.length > MOST_PIECES) return `more than ${MOST_PIECES} watched ranges`;
  return { breakpoints: addresses, watched, stores: pieces, traced: [] };
}

function piecesOf(
  engine: rv64.Engine,
  hart: number,
  { address, bytes }: Omit<WatchedRange, "kind">,
): rv64.Watch[] | string {
  if (bytes < 1 || bytes > MOST_BYTES) return `a range of ${bytes} bytes cannot be watched`;
  const pieces: rv64.Watch[] = [];
  for (let done = 0; done < bytes;) {
    const at = BigInt.asUintN(64, address + BigInt(done));
    const offset = Number(physicalOf(engine, hart, at) - BigInt(RAM_BASE));
    if (!(offset >= 0 && offset < engine.ramBytes)) return `0x${at.toString(16)} is not in RAM`;
    const size = Math.min(bytes - done, PAGE_BYTES - (offset % PAGE_BYTES));
    pieces.push({ address: RAM_BASE + offset, bytes: size });
    done += size;
  }
  return pieces;
}

/** The watched range that the next instruction of a hart will access, if any. */
export function nextWatched(
  engine: rv64.Engine,
  hart: number,
  { watched }: ResolvedStops,
): WatchedRange | undefined {
  const access = rv64.nextAccess(engine, hart);
  if (access === null) return undefined;
  const touched = piecesOf(engine, hart, access);
  if (typeof touched === "string") return undefined;
  const overlaps = (a: rv64.Watch, b: rv64.Watch): boolean =>
    a.address < b.address + b.bytes && b.address < a.address + a.bytes;
  const { reads, writes } = access;
  const matches = (kind: WatchKind): boolean =>
    (kind !== "write" && reads) || (kind !== "read" && writes);
  const found = watched.find(
    ({ range, pieces }) =>
      matches(range.kind) && pieces.some((piece) => touched.some((part) => overlaps(piece, part))),
  );
  // Looked at last, because it is seldom so: it executes something else next.
  return found === undefined || takesInterrupt(engine, hart) ? undefined : found.range;
}
