/**
 * The grains of a sparse VMDK extent: KDMV (monolithicSparse, twoGbMaxExtentSparse, and compressed
 * streamOptimized) and COWD (vmfsSparse). Absent grains are looked for in the parent; grains
 * flagged zero are zeros.
 */
import { inflateSync } from "node:zlib";
import { MAX_SECTORS, SECTOR_BYTES, type SectorContent } from "../../../core/kernel/index.ts";
import { damaged, unsupported } from "./image-problem.ts";
import type { ImageView } from "./image-view.ts";

export const KDMV_MAGIC = 0x564d444b;
export const COWD_MAGIC = 0x44574f43;
const AT_THE_END = 0xffff_ffff_ffff_ffffn;
const ZERO_GRAINS = 4;
const COMPRESSED = 1 << 16;
const DEFLATE = 1;

interface SparseHeader {
  readonly sectors: number;
  readonly grainSectors: number;
  readonly perTable: number;
  /** First sector of the grain directory, and its entries. */
  readonly directory: number;
  readonly tables: number;
  readonly zeroGrains: boolean;
  readonly compressed: boolean;
  readonly descriptor: { readonly sector: number; readonly sectors: number } | null;
}

export const isSparse = (view: ImageView): boolean =>
  view.size >= SECTOR_BYTES && [KDMV_MAGIC, COWD_MAGIC].includes(view.u32le(0, "the header"));

/** The descriptor inside a sparse file; undefined when it has none. */
export function embeddedDescriptor(view: ImageView): string | undefined {
  const { descriptor } = sparseHeader(view);
  if (descriptor === null) return undefined;
  const { sector, sectors } = descriptor;
  return view.text(sector * SECTOR_BYTES, sectors * SECTOR_BYTES, "the descriptor");
}

/** Reads the extent's grains into `content` from sector `first` on. */
export function readSparse(
  view: ImageView,
  content: SectorContent,
  first: number,
  sectors: number,
): void {
  const header = sparseHeader(view);
  if (header.sectors < sectors) {
    throw damaged(view.file, `${header.sectors} sectors where the descriptor has ${sectors}`);
  }
  const { grainSectors, perTable, tables, directory } = header;
  const what = "the grain directory";
  for (let table = 0; table < tables; table++) {
    const sector = view.u32le(directory * SECTOR_BYTES + 4 * table, what);
    if (sector === 0) continue;
    for (let index = 0; index < perTable; index++) {
      const at = (table * perTable + index) * grainSectors;
      if (at >= sectors) break;
      const grain = view.u32le(sector * SECTOR_BYTES + 4 * index, "a grain table");
      if (grain === 0) continue;
      const length = Math.min(grainSectors, sectors - at);
      if (header.zeroGrains && grain === 1) content.writeZeros(first + at, length);
      else content.writeBytes(first + at, grainBytes(view, header, grain, length), true);
    }
  }
}

function grainBytes(
  view: ImageView,
  { grainSectors, compressed }: SparseHeader,
  grain: number,
  sectors: number,
): Uint8Array {
  const at = grain * SECTOR_BYTES;
  if (!compressed) return view.span(at, sectors * SECTOR_BYTES, "a grain");
  const packed = view.span(at + 12, view.u32le(at + 8, "a grain marker"), "a grain");
  try {
    const bytes = inflateSync(packed, { maxOutputLength: grainSectors * SECTOR_BYTES });
    if (bytes.length >= sectors * SECTOR_BYTES) {
      return new Uint8Array(bytes.subarray(0, sectors * SECTOR_BYTES));
    }
  } catch {
    // The same as too few bytes.
  }
  throw damaged(view.file, "a grain does not unpack");
}

function sparseHeader(view: ImageView): SparseHeader {
  const header =
    view.u32le(0, "the header") === COWD_MAGIC ? cowdHeader(view) : kdmvHeader(view, 0);
  const { grainSectors, sectors, perTable, tables } = header;
  const grainIsPower = grainSectors > 0 && Number.isInteger(Math.log2(grainSectors));
  if (!grainIsPower || grainSectors > 2 ** 16) {
    throw damaged(view.file, `grains of ${grainSectors} sectors`);
  }
  if (perTable === 0 || perTable > 2 ** 16 || tables > 2 ** 24) {
    throw damaged(view.file, `grain tables of ${perTable} entries`);
  }
  if (tables * perTable * grainSectors < sectors) {
    throw damaged(view.file, `${tables} grain tables for ${sectors} sectors`);
  }
  return header;
}

function kdmvHeader(view: ImageView, at: number): SparseHeader {
  const what = "the header";
  const version = view.u32le(at + 4, what);
  if (version < 1 || version > 3) throw unsupported(view.file, `VMDK version ${version}`);
  const directory = view.u64le(at + 56, what);
  // A stream's writer knows where its directory is only at the end, and repeats the header there.
  if (directory === AT_THE_END && at === 0) return kdmvHeader(view, view.size - 2 * SECTOR_BYTES);
  const flags = view.u32le(at + 8, what);
  const algorithm = view.span(at + 77, 2, what);
  const compressed = (flags & COMPRESSED) !== 0;
  if (compressed && algorithm[0] !== DEFLATE) {
    throw unsupported(view.file, "VMDK with a compression other than deflate");
  }
  const sectors = view.count(view.u64le(at + 12, what), MAX_SECTORS, "its capacity");
  const grainSectors = view.count(view.u64le(at + 20, what), 2 ** 32, "its grain");
  const perTable = view.u32le(at + 44, what);
  const descriptorSector = view.count(view.u64le(at + 28, what), 2 ** 40, "its descriptor");
  const descriptorSectors = view.count(view.u64le(at + 36, what), 2_048, "its descriptor");
  return {
    sectors,
    grainSectors,
    perTable,
    directory: view.count(directory, 2 ** 40, "its grain directory"),
    tables: Math.ceil(sectors / (grainSectors * perTable)),
    zeroGrains: (flags & ZERO_GRAINS) !== 0,
    compressed,
    descriptor:
      descriptorSector === 0 ? null : { sector: descriptorSector, sectors: descriptorSectors },
  };
}

function cowdHeader(view: ImageView): SparseHeader {
  const what = "the header";
  const version = view.u32le(4, what);
  if (version !== 1) throw unsupported(view.file, `COWD version ${version}`);
  return {
    sectors: view.u32le(12, what),
    grainSectors: view.u32le(16, what),
    perTable: 4_096,
    directory: view.u32le(20, what),
    tables: view.u32le(24, what),
    zeroGrains: false,
    compressed: false,
    descriptor: null,
  };
}
