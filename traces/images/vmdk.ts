/**
 * VMDK images (VMware, Virtual Disk Format 1.1): monolithicSparse, and a text descriptor over a flat
 * file (monolithicFlat).
 *
 * Sparse layout, in sectors: header, descriptor, two grain directories each with its grain tables
 * (the second a copy), then grains of 64 KiB. Must hold: a grain that was written is in the file
 * when there is a parent, so that it hides what is below; without one, grains of zeros are left out.
 */
import { basename } from "node:path";
import { geometryEntries, type VmdkExtent, writeVmdkText } from "../../core/disks/index.ts";
import { assert, SECTOR_BYTES } from "../../core/kernel/index.ts";
import { makeImageFile, type ImageFile } from "./image-file.ts";
import { isZero, writtenUnits, type ImageSource } from "./image-source.ts";
import { writeRaw } from "./raw.ts";

export interface VmdkOptions {
  /** CID: 32 bits that a child refers to its parent's content by. Default 1. */
  readonly contentId?: number;
  /**
   * The image below and its CID; readers refuse a chain whose CIDs do not match. The source must
   * itself read through to it: a grain written in part is copied whole.
   */
  readonly parent?: { readonly path: string; readonly contentId: number };
}

const GRAIN_SECTORS = 128;
const GRAIN_BYTES = GRAIN_SECTORS * SECTOR_BYTES;
const TABLE_ENTRIES = 512;
const TABLE_SECTORS = (TABLE_ENTRIES * 4) / SECTOR_BYTES;
const REGION_SECTORS = TABLE_ENTRIES * GRAIN_SECTORS;
const DESCRIPTOR_SECTOR = 1;
const DESCRIPTOR_SECTORS = 20;
/** Valid newline test, and the redundant grain directory is used. */
const FLAGS = 3;

/** Where the parts of a sparse file are, in sectors. */
interface Layout {
  readonly tables: number;
  readonly directories: readonly [number, number];
  readonly directorySectors: number;
  readonly firstGrain: number;
}

function layoutOf(sectors: number): Layout {
  const tables = Math.ceil(sectors / REGION_SECTORS);
  const directorySectors = Math.ceil((tables * 4) / SECTOR_BYTES);
  const first = DESCRIPTOR_SECTOR + DESCRIPTOR_SECTORS;
  const second = first + directorySectors + tables * TABLE_SECTORS;
  const past = second + directorySectors + tables * TABLE_SECTORS;
  const firstGrain = Math.ceil(past / GRAIN_SECTORS) * GRAIN_SECTORS;
  return { tables, directories: [first, second], directorySectors, firstGrain };
}

export function writeVmdkSparse(
  path: string,
  source: ImageSource,
  options: VmdkOptions = {},
): void {
  makeImageFile(path, (file) => fillSparse(file, basename(path), source, options));
}

/** Writes a descriptor at `path` and the bytes beside it: `NAME.vmdk`, `NAME-flat.vmdk`. */
export function writeVmdkFlat(path: string, source: ImageSource, options: VmdkOptions = {}): void {
  assert(options.parent === undefined, "a flat file has no parent");
  const flat = path.replace(/(\.vmdk)?$/, "-flat.vmdk");
  writeRaw(flat, source);
  const extent = extentOf(source, "FLAT", basename(flat));
  const text = descriptor("monolithicFlat", extent, source.sectors, options);
  makeImageFile(path, (file) => file.write(0, new TextEncoder().encode(text)));
}

function fillSparse(
  file: ImageFile,
  name: string,
  source: ImageSource,
  options: VmdkOptions,
): void {
  const layout = layoutOf(source.sectors);
  for (const directory of layout.directories) {
    const view = new DataView(new ArrayBuffer(layout.directorySectors * SECTOR_BYTES));
    const firstTable = directory + layout.directorySectors;
    for (let index = 0; index < layout.tables; index++) {
      view.setUint32(4 * index, firstTable + index * TABLE_SECTORS, true);
    }
    file.write(directory * SECTOR_BYTES, new Uint8Array(view.buffer));
  }
  let next = layout.firstGrain;
  for (let table = 0; table < layout.tables; table++) {
    next = fillTable(file, source, layout, table, next, options.parent !== undefined);
  }
  const extent = extentOf(source, "SPARSE", name);
  const text = new TextEncoder().encode(
    descriptor("monolithicSparse", extent, source.sectors, options),
  );
  assert(text.length < DESCRIPTOR_SECTORS * SECTOR_BYTES, "a descriptor that does not fit");
  file.write(DESCRIPTOR_SECTOR * SECTOR_BYTES, text);
  file.write(0, sparseHeader(source.sectors, layout));
  file.setLength(next * SECTOR_BYTES);
}

/** Writes one grain table, twice, and its grains from sector `next` on; returns the next free. */
function fillTable(
  file: ImageFile,
  source: ImageSource,
  layout: Layout,
  table: number,
  next: number,
  hasParent: boolean,
): number {
  const from = table * REGION_SECTORS;
  const entries = new DataView(new ArrayBuffer(TABLE_ENTRIES * 4));
  let grain = next;
  for (const batch of writtenUnits(source, from, from + REGION_SECTORS, GRAIN_SECTORS)) {
    for (let at = 0; at < batch.bytes.length; at += GRAIN_BYTES) {
      const data = batch.bytes.subarray(at, at + GRAIN_BYTES);
      if (!hasParent && isZero(data)) continue;
      const index = batch.first + at / GRAIN_BYTES - table * TABLE_ENTRIES;
      assert(grain < 2 ** 32, "more written than a sparse VMDK can hold (2 TiB)");
      entries.setUint32(4 * index, grain, true);
      file.write(grain * SECTOR_BYTES, data);
      grain += GRAIN_SECTORS;
    }
  }
  if (grain === next) return next;
  for (const directory of layout.directories) {
    const sector = directory + layout.directorySectors + table * TABLE_SECTORS;
    file.write(sector * SECTOR_BYTES, new Uint8Array(entries.buffer));
  }
  return grain;
}

function sparseHeader(sectors: number, layout: Layout): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x564d444b, true); // "KDMV"
  view.setUint32(4, 1, true);
  view.setUint32(8, FLAGS, true);
  view.setBigUint64(12, BigInt(sectors), true);
  view.setBigUint64(20, BigInt(GRAIN_SECTORS), true);
  view.setBigUint64(28, BigInt(DESCRIPTOR_SECTOR), true);
  view.setBigUint64(36, BigInt(DESCRIPTOR_SECTORS), true);
  view.setUint32(44, TABLE_ENTRIES, true);
  view.setBigUint64(48, BigInt(layout.directories[0]), true);
  view.setBigUint64(56, BigInt(layout.directories[1]), true);
  view.setBigUint64(64, BigInt(layout.firstGrain), true);
  bytes.set([0x0a, 0x20, 0x0d, 0x0a], 73); // shows damage by text-mode transfer
  return bytes;
}

const extentOf = ({ sectors }: ImageSource, type: string, file: string): VmdkExtent => ({
  access: "RW",
  sectors,
  type,
  file,
  offset: 0,
});

function descriptor(
  createType: string,
  extent: VmdkExtent,
  sectors: number,
  { contentId = 1, parent }: VmdkOptions,
): string {
  return writeVmdkText({
    contentId,
    parentContentId: parent?.contentId ?? null,
    parentHint: parent?.path ?? null,
    createType,
    extents: [extent],
    dataBase: geometryEntries(sectors),
  });
}
