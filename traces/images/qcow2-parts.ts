/**
 * What every qcow2 image that we write consists of: tables of one cluster, refcounts, the header.
 * Clusters of 64 KiB, 16-bit refcounts.
 */
import { assert, SECTOR_BYTES } from "../../core/kernel/index.ts";
import type { ImageFile } from "./image-file.ts";

const CLUSTER_BITS = 16;
export const CLUSTER_BYTES = 1 << CLUSTER_BITS;
export const CLUSTER_SECTORS = CLUSTER_BYTES / SECTOR_BYTES;
/** Entries in a table of one cluster. */
export const TABLE_ENTRIES = CLUSTER_BYTES / 8;
export const REGION_SECTORS = TABLE_ENTRIES * CLUSTER_SECTORS;
const REFCOUNTS_PER_BLOCK = CLUSTER_BYTES / 2;
const HEADER_BYTES = 104;
export const COPIED = 1n << 63n;
const BACKING_FORMAT_EXTENSION = 0xe2792aca;

export const entryTable = (entries: number): DataView =>
  new DataView(new ArrayBuffer(Math.ceil(entries / TABLE_ENTRIES) * CLUSTER_BYTES));

export const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);

export interface RefcountTable {
  readonly cluster: number;
  readonly clusters: number;
}

/** Refcounts of `used` clusters, and of those of the refcounts themselves, which are put behind. */
export function writeRefcounts(
  file: ImageFile,
  used: number,
  countOf: (cluster: number) => number,
): RefcountTable {
  let blocks = 0;
  let clusters = 0;
  let total = used;
  // Blocks and table are counted too, so more blocks may make one more.
  while (total > blocks * REFCOUNTS_PER_BLOCK) {
    blocks = Math.ceil(total / REFCOUNTS_PER_BLOCK);
    clusters = Math.ceil(blocks / TABLE_ENTRIES);
    total = used + blocks + clusters;
  }
  const table = entryTable(blocks);
  for (let block = 0; block < blocks; block++) {
    const counts = new DataView(new ArrayBuffer(CLUSTER_BYTES));
    const counted = Math.min(REFCOUNTS_PER_BLOCK, total - block * REFCOUNTS_PER_BLOCK);
    for (let index = 0; index < counted; index++) {
      const cluster = block * REFCOUNTS_PER_BLOCK + index;
      counts.setUint16(2 * index, cluster < used ? countOf(cluster) : 1);
    }
    file.write((used + block) * CLUSTER_BYTES, bytesOf(counts));
    table.setBigUint64(8 * block, BigInt((used + block) * CLUSTER_BYTES));
  }
  file.write((used + blocks) * CLUSTER_BYTES, bytesOf(table));
  return { cluster: used + blocks, clusters };
}

export interface Qcow2HeaderOptions {
  readonly l1Cluster: number;
  readonly snapshots?: { readonly count: number; readonly at: number };
  readonly backing?: { readonly path: string; readonly format: string };
}

export function qcow2Header(
  sectors: number,
  l1Entries: number,
  refcounts: RefcountTable,
  options: Qcow2HeaderOptions,
): Uint8Array {
  const bytes = new Uint8Array(CLUSTER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x514649fb); // "QFI\xfb"
  view.setUint32(4, 3);
  view.setUint32(20, CLUSTER_BITS);
  view.setBigUint64(24, BigInt(sectors * SECTOR_BYTES));
  view.setUint32(36, l1Entries);
  view.setBigUint64(40, BigInt(options.l1Cluster * CLUSTER_BYTES));
  view.setBigUint64(48, BigInt(refcounts.cluster * CLUSTER_BYTES));
  view.setUint32(56, refcounts.clusters);
  view.setUint32(60, options.snapshots?.count ?? 0);
  view.setBigUint64(64, BigInt(options.snapshots?.at ?? 0));
  view.setUint32(96, 4); // refcounts of 1 << 4 bits
  view.setUint32(100, HEADER_BYTES);
  if (options.backing === undefined) return bytes;
  const encoder = new TextEncoder();
  const format = encoder.encode(options.backing.format);
  const path = encoder.encode(options.backing.path);
  assert(path.length <= 1023, "a backing file name of more than 1,023 bytes");
  view.setUint32(HEADER_BYTES, BACKING_FORMAT_EXTENSION);
  view.setUint32(HEADER_BYTES + 4, format.length);
  bytes.set(format, HEADER_BYTES + 8);
  // The end mark of the extensions is zeros; the name follows it.
  const nameAt = HEADER_BYTES + 8 + 8 + 8;
  bytes.set(path, nameAt);
  view.setBigUint64(8, BigInt(nameAt));
  view.setUint32(16, path.length);
  return bytes;
}
