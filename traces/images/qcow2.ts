/**
 * A qcow2 image, version 3 (QEMU, docs/interop/qcow2.txt): clusters of 64 KiB, 16-bit refcounts.
 *
 * Layout: header, L1 table, then for every 512 MiB of disk with anything in it one L2 table and its
 * data, then refcount blocks and their table. Must hold: every cluster of the file has refcount 1
 * and is referred to once; written zeros are zero clusters, never-written clusters are unallocated,
 * so that with a backing file the one hides what is below and the other does not.
 */
import { assert, SECTOR_BYTES } from "../../core/kernel/index.ts";
import { makeImageFile, type ImageFile } from "./image-file.ts";
import { isZero, writtenUnits, type ImageSource } from "./image-source.ts";

export interface Qcow2Options {
  /**
   * The image below: clusters that this one has not written are read from there. Where it has written
   * part of a cluster the whole is copied, so the source must itself read through to what is below.
   */
  readonly backing?: { readonly path: string; readonly format: "raw" | "qcow2" | "vmdk" };
}

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 1 << CLUSTER_BITS;
const CLUSTER_SECTORS = CLUSTER_BYTES / SECTOR_BYTES;
/** Entries in a table of one cluster. */
const TABLE_ENTRIES = CLUSTER_BYTES / 8;
const REGION_SECTORS = TABLE_ENTRIES * CLUSTER_SECTORS;
const REFCOUNTS_PER_BLOCK = CLUSTER_BYTES / 2;
const HEADER_BYTES = 104;
const COPIED = 1n << 63n;
const ZERO_CLUSTER = 1n;
const BACKING_FORMAT_EXTENSION = 0xe2792aca;
/** QEMU reads L1 tables of 32 MiB at most. */
const MAX_L1_ENTRIES = (32 << 20) / 8;

export function writeQcow2(path: string, source: ImageSource, options: Qcow2Options = {}): void {
  makeImageFile(path, (file) => fillQcow2(file, source, options));
}

const entryTable = (entries: number): DataView =>
  new DataView(new ArrayBuffer(Math.ceil(entries / TABLE_ENTRIES) * CLUSTER_BYTES));

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);

function fillQcow2(file: ImageFile, source: ImageSource, options: Qcow2Options): void {
  const regions = Math.ceil(source.sectors / REGION_SECTORS);
  assert(regions <= MAX_L1_ENTRIES, () => `a disk of ${source.sectors} sectors is too large`);
  const l1 = entryTable(regions);
  const l1Clusters = l1.byteLength / CLUSTER_BYTES;
  let clusters = 1 + l1Clusters; // clusters of the file in use
  for (let region = 0; region < regions; region++) {
    const past = fillRegion(file, source, region, clusters, options.backing !== undefined);
    if (past === clusters) continue;
    l1.setBigUint64(8 * region, BigInt(clusters * CLUSTER_BYTES) | COPIED);
    clusters = past;
  }
  file.write(CLUSTER_BYTES, bytesOf(l1));
  const table = writeRefcounts(file, clusters);
  file.write(0, header(source.sectors, regions, table, options));
}

/** Writes an L2 table at cluster `start` and data behind it; returns the next free cluster. */
function fillRegion(
  file: ImageFile,
  source: ImageSource,
  region: number,
  start: number,
  hasBacking: boolean,
): number {
  const l2 = entryTable(TABLE_ENTRIES);
  const from = region * REGION_SECTORS;
  let clusters = start + 1;
  let used = false;
  for (const batch of writtenUnits(source, from, from + REGION_SECTORS, CLUSTER_SECTORS)) {
    for (let at = 0; at < batch.bytes.length; at += CLUSTER_BYTES) {
      const entry = 8 * (batch.first + at / CLUSTER_BYTES - region * TABLE_ENTRIES);
      const data = batch.bytes.subarray(at, at + CLUSTER_BYTES);
      if (isZero(data)) {
        l2.setBigUint64(entry, ZERO_CLUSTER);
        used ||= hasBacking; // above nothing, zeros need no table
        continue;
      }
      used = true;
      file.write(clusters * CLUSTER_BYTES, data);
      l2.setBigUint64(entry, BigInt(clusters * CLUSTER_BYTES) | COPIED);
      clusters++;
    }
  }
  if (!used) return start;
  file.write(start * CLUSTER_BYTES, bytesOf(l2));
  return clusters;
}

interface RefcountTable {
  readonly cluster: number;
  readonly clusters: number;
}

/** Refcount 1 for `used` clusters and for those of the refcounts themselves, written behind. */
function writeRefcounts(file: ImageFile, used: number): RefcountTable {
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
    for (let index = 0; index < counted; index++) counts.setUint16(2 * index, 1);
    file.write((used + block) * CLUSTER_BYTES, bytesOf(counts));
    table.setBigUint64(8 * block, BigInt((used + block) * CLUSTER_BYTES));
  }
  file.write((used + blocks) * CLUSTER_BYTES, bytesOf(table));
  return { cluster: used + blocks, clusters };
}

function header(
  sectors: number,
  l1Entries: number,
  refcounts: RefcountTable,
  options: Qcow2Options,
): Uint8Array {
  const bytes = new Uint8Array(CLUSTER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x514649fb); // "QFI\xfb"
  view.setUint32(4, 3);
  view.setUint32(20, CLUSTER_BITS);
  view.setBigUint64(24, BigInt(sectors * SECTOR_BYTES));
  view.setUint32(36, l1Entries);
  view.setBigUint64(40, BigInt(CLUSTER_BYTES));
  view.setBigUint64(48, BigInt(refcounts.cluster * CLUSTER_BYTES));
  view.setUint32(56, refcounts.clusters);
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
