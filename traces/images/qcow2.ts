/**
 * A qcow2 image, version 3 (QEMU, docs/interop/qcow2.txt): clusters of 64 KiB, 16-bit refcounts.
 *
 * Layout: header, L1 table, then for every 512 MiB of disk with anything in it one L2 table and its
 * data, then refcount blocks and their table. Must hold: every cluster of the file has refcount 1
 * and is referred to once; written zeros are zero clusters, never-written clusters are unallocated,
 * so that with a backing file the one hides what is below and the other does not.
 */
import { assert } from "../../core/kernel/index.ts";
import { makeImageFile, type ImageFile } from "./image-file.ts";
import { isZero, writtenUnits, type ImageSource } from "./image-source.ts";
import {
  bytesOf,
  CLUSTER_BYTES,
  CLUSTER_SECTORS,
  COPIED,
  entryTable,
  qcow2Header,
  REGION_SECTORS,
  TABLE_ENTRIES,
  writeRefcounts,
} from "./qcow2-parts.ts";

export interface Qcow2Options {
  /**
   * The image below: clusters that this one has not written are read from there. Where it has written
   * part of a cluster the whole is copied, so the source must itself read through to what is below.
   */
  readonly backing?: { readonly path: string; readonly format: "raw" | "qcow2" | "vmdk" };
}

const ZERO_CLUSTER = 1n;
/** QEMU reads L1 tables of 32 MiB at most. */
const MAX_L1_ENTRIES = (32 << 20) / 8;

export function writeQcow2(path: string, source: ImageSource, options: Qcow2Options = {}): void {
  makeImageFile(path, (file) => fillQcow2(file, source, options));
}

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
  const table = writeRefcounts(file, clusters, () => 1);
  file.write(0, qcow2Header(source.sectors, regions, table, { ...options, l1Cluster: 1 }));
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
