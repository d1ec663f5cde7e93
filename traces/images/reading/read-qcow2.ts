/**
 * Reads qcow2 images, versions 2 and 3 (QEMU, docs/interop/qcow2.txt): any cluster size, compressed
 * clusters (deflate), backing files, internal snapshots. Refuses what it cannot honour: encryption,
 * external data files, extended L2 entries, zstd, and tables that lead outside of the file or to
 * clusters that the refcounts call free.
 */
import { inflateRawSync } from "node:zlib";
import { MAX_SECTORS, SECTOR_BYTES, SectorContent } from "../../../core/kernel/index.ts";
import type { BelowImage, ImageLayer, ImageSnapshot } from "./image-layer.ts";
import { damaged, encrypted, unsupported } from "./image-problem.ts";
import type { ImageView } from "./image-view.ts";
import { Qcow2Refcounts } from "./qcow2-refcounts.ts";

export const QCOW2_MAGIC = 0x514649fb;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
const COMPRESSED = 1n << 62n;
const ZERO_CLUSTER = 1n;
const BACKING_FORMAT = 0xe2792aca;
/** QEMU's own limits. */
const MAX_L1_BYTES = 32 << 20;
const MAX_SNAPSHOTS = 65_536;
const NAMED_FEATURES = ["", "", "an external data file", "a compression other than deflate"];

interface Geometry {
  readonly view: ImageView;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  /** Absent when the image says that its refcounts may be stale. */
  readonly refcounts: Qcow2Refcounts | undefined;
}

export function readQcow2(view: ImageView): ImageLayer {
  const version = view.u32be(4, "the header");
  if (version !== 2 && version !== 3) throw unsupported(view.file, `qcow2 version ${version}`);
  if (view.u32be(32, "the header") !== 0) throw encrypted(view.file, "qcow2");
  const features = version === 3 ? view.u64be(72, "the header") : 0n;
  checkFeatures(view, features);
  const clusterBits = view.u32be(20, "the header");
  if (clusterBits < 9 || clusterBits > 21) {
    throw damaged(view.file, `clusters of 2^${clusterBits} bytes`);
  }
  const clusterBytes = 2 ** clusterBits;
  const isDirty = (features & 1n) !== 0n;
  const refcounts = isDirty ? undefined : new Qcow2Refcounts(view, version, clusterBytes);
  const geometry: Geometry = { view, clusterBits, clusterBytes, refcounts };
  const sectors = sectorsOf(view, view.u64be(24, "the header"));
  const l1 = { at: view.u64be(40, "the header"), entries: view.u32be(36, "the header") };
  return {
    sectors,
    content: readTables(geometry, sectors, l1, "the active table"),
    below: belowOf(view, version),
    snapshots: readSnapshots(geometry, sectors),
    contentId: null,
  };
}

function checkFeatures(view: ImageView, features: bigint): void {
  if ((features & 2n) !== 0n) throw damaged(view.file, "it is marked corrupt");
  for (let bit = 2; bit < 64; bit++) {
    if ((features & (1n << BigInt(bit))) === 0n) continue;
    const name = NAMED_FEATURES[bit] ?? `incompatible feature ${bit}`;
    throw unsupported(view.file, `qcow2 with ${name}`);
  }
}

function sectorsOf(view: ImageView, bytes: bigint): number {
  const limit = MAX_SECTORS * SECTOR_BYTES;
  const size = view.count(bytes, limit, "the size of the disk");
  return Math.ceil(size / SECTOR_BYTES);
}

function belowOf(view: ImageView, version: number): BelowImage | null {
  const at = view.place(view.u64be(8, "the header"), "the backing file's name");
  const length = view.u32be(16, "the header");
  if (at === 0) return null;
  if (length > 1023) throw damaged(view.file, `a backing file name of ${length} bytes`);
  const path = view.text(at, length, "the backing file's name");
  const headerBytes = version === 3 ? view.u32be(100, "the header") : 72;
  return { path, format: backingFormat(view, headerBytes, at), contentId: null };
}

/** The header extension that tells it; images of old versions may have none. */
function backingFormat(view: ImageView, start: number, end: number): BelowImage["format"] {
  for (let at = start; at + 8 <= end;) {
    const kind = view.u32be(at, "a header extension");
    const length = view.u32be(at + 4, "a header extension");
    if (kind === 0) return null;
    if (kind === BACKING_FORMAT) {
      const format = view.text(at + 8, length, "a header extension");
      if (format === "raw" || format === "qcow2" || format === "vmdk") return format;
      throw unsupported(view.file, `a backing file of format ${format}`);
    }
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return null;
}

interface L1 {
  readonly at: bigint;
  readonly entries: number;
}

/** All that one L1 table leads to. */
function readTables(geometry: Geometry, sectors: number, l1: L1, what: string): SectorContent {
  const { view, clusterBytes } = geometry;
  const content = new SectorContent(sectors);
  const perTable = clusterBytes / 8;
  const regions = Math.ceil((sectors * SECTOR_BYTES) / (clusterBytes * perTable));
  if (l1.entries < regions || l1.entries * 8 > MAX_L1_BYTES) {
    throw damaged(view.file, `${what} has ${l1.entries} L1 entries for ${sectors} sectors`);
  }
  if (regions === 0) return content;
  const start = view.place(l1.at, `${what}'s L1 table`);
  const seen = new Set<number>();
  for (let region = 0; region < regions; region++) {
    const offset = view.u64be(start + 8 * region, `${what}'s L1 table`) & OFFSET_MASK;
    if (offset === 0n) continue;
    const table = clusterAt(geometry, offset, "an L2 table", seen);
    view.span(table, clusterBytes, "an L2 table");
    for (let index = 0; index < perTable; index++) {
      const entry = view.u64be(table + 8 * index, "an L2 table");
      if (entry === 0n) continue;
      readCluster(geometry, entry, region * perTable + index, content, seen);
    }
  }
  return content;
}

/** Where a cluster of the file begins; nothing of one table may use it twice. */
function clusterAt(geometry: Geometry, offset: bigint, what: string, seen: Set<number>): number {
  const { view, clusterBytes, refcounts } = geometry;
  const at = view.place(offset, what);
  if (at % clusterBytes !== 0) throw damaged(view.file, `${what} is not at a cluster border`);
  if (seen.has(at)) throw damaged(view.file, `cluster ${at / clusterBytes} is used twice`);
  seen.add(at);
  if (refcounts !== undefined && refcounts.of(at / clusterBytes) === 0) {
    throw damaged(view.file, `cluster ${at / clusterBytes} is in use and counted as free`);
  }
  return at;
}

function readCluster(
  geometry: Geometry,
  entry: bigint,
  cluster: number,
  content: SectorContent,
  seen: Set<number>,
): void {
  const { view, clusterBytes } = geometry;
  const sector = (cluster * clusterBytes) / SECTOR_BYTES;
  const sectors = Math.min(clusterBytes / SECTOR_BYTES, content.sectors - sector);
  if (sectors <= 0) return;
  if ((entry & COMPRESSED) !== 0n) {
    const bytes = inflateCluster(geometry, entry);
    return content.writeBytes(sector, bytes.subarray(0, sectors * SECTOR_BYTES), true);
  }
  const offset = entry & OFFSET_MASK;
  if (offset !== 0n) clusterAt(geometry, offset, "a data cluster", seen);
  if ((entry & ZERO_CLUSTER) !== 0n) return content.writeZeros(sector, sectors);
  if (offset === 0n) return;
  const bytes = view.spanPadded(Number(offset), clusterBytes, "a data cluster");
  content.writeBytes(sector, bytes.subarray(0, sectors * SECTOR_BYTES), true);
}

function inflateCluster({ view, clusterBits, clusterBytes }: Geometry, entry: bigint): Uint8Array {
  const offsetBits = BigInt(62 - (clusterBits - 8));
  const offset = entry & ((1n << offsetBits) - 1n);
  const more = Number((entry >> offsetBits) & ((1n << BigInt(clusterBits - 8)) - 1n));
  const at = view.place(offset, "a compressed cluster");
  const length = Math.min((more + 1) * SECTOR_BYTES - (at % SECTOR_BYTES), view.size - at);
  const packed = view.span(at, length, "a compressed cluster");
  try {
    const bytes = inflateRawSync(packed, { maxOutputLength: clusterBytes });
    if (bytes.length === clusterBytes) return new Uint8Array(bytes);
  } catch {
    // The same as too few bytes.
  }
  throw damaged(view.file, "a compressed cluster does not unpack");
}

function readSnapshots(geometry: Geometry, diskSectors: number): ImageSnapshot[] {
  const { view } = geometry;
  const count = view.u32be(60, "the header");
  if (count > MAX_SNAPSHOTS) throw damaged(view.file, `it has ${count} snapshots`);
  const snapshots: ImageSnapshot[] = [];
  const what = "the snapshot table";
  let at = count === 0 ? 0 : view.place(view.u64be(64, "the header"), what);
  for (let index = 0; index < count; index++) {
    const l1 = { at: view.u64be(at, what), entries: view.u32be(at + 8, what) };
    const idBytes = view.u16be(at + 12, what);
    const nameBytes = view.u16be(at + 14, what);
    const extraBytes = view.u32be(at + 36, what);
    const bytes = extraBytes >= 16 ? view.u64be(at + 48, what) : undefined;
    const sectors = bytes === undefined ? diskSectors : sectorsOf(view, bytes);
    const name = view.text(at + 40 + extraBytes + idBytes, nameBytes, what);
    const content = readTables(geometry, sectors, l1, `snapshot ${name}`);
    snapshots.push({ name, sectors, content });
    at += Math.ceil((40 + extraBytes + idBytes + nameBytes) / 8) * 8;
  }
  return snapshots;
}
