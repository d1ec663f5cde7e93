/**
 * A qcow2 image with internal snapshots: the copy-on-write form of a disk with its points in time.
 * Each state has an L1 table; what two states share is in the file once.
 *
 * Must hold: the refcount of a data cluster or L2 table is the number of states whose tables lead to
 * it; only what the active state alone leads to bears the "copied" flag.
 */
import { assert, SECTOR_BYTES, type SectorContent } from "../../core/kernel/index.ts";
import { makeImageFile, type ImageFile } from "./image-file.ts";
import { isZero } from "./image-source.ts";
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

export interface Qcow2State {
  readonly name: string;
  readonly content: SectorContent;
}

/** An L2 table in the file, and what it leads to. */
interface Table {
  readonly cluster: number;
  /** Cluster of the file for each cluster of the region; 0: none. */
  readonly data: Float64Array;
}

/** The tables of one state by region. */
type State = ReadonlyMap<number, Table>;

/** Writes `points`, oldest first, as snapshots, and `running` as the active state. */
export function writeQcow2Snapshots(
  path: string,
  points: readonly Qcow2State[],
  running: SectorContent,
): void {
  makeImageFile(path, (file) => new SnapshotWriter(file, running.sectors).write(points, running));
}

class SnapshotWriter {
  readonly #file: ImageFile;
  readonly #sectors: number;
  readonly #regions: number;
  /** The next free cluster of the file; the header has the first. */
  #next = 1;

  constructor(file: ImageFile, sectors: number) {
    this.#file = file;
    this.#sectors = sectors;
    this.#regions = Math.ceil(sectors / REGION_SECTORS);
  }

  write(points: readonly Qcow2State[], running: SectorContent): void {
    const contents = [...points.map(({ content }) => content), running];
    const states: State[] = [];
    contents.forEach((content, index) => {
      assert(content.sectors === this.#sectors, "a point in time of another size");
      states.push(this.#writeState(content, contents[index - 1], states[index - 1] ?? new Map()));
    });
    const refs = this.#countReferences(states);
    this.#writeTables(states, refs);
    const l1s = states.map((state, index) => {
      const isActive = index === states.length - 1;
      return this.#writeL1(state, refs, isActive);
    });
    const snapshotsAt = this.#writeSnapshotTable(points, l1s);
    const counts = writeRefcounts(this.#file, this.#next, (cluster) => refs.get(cluster) ?? 1);
    const header = qcow2Header(this.#sectors, this.#regions, counts, {
      l1Cluster: l1s.at(-1)!,
      snapshots: { count: points.length, at: snapshotsAt },
    });
    this.#file.write(0, header);
  }

  /** Data of a state: clusters that differ from the state before, and new tables for them. */
  #writeState(content: SectorContent, before: SectorContent | undefined, state: State): State {
    const tables = new Map(state);
    const copied = new Set<number>();
    const ranges = before === undefined ? content.allocatedRuns() : before.diffRanges(content);
    const buffer = new Uint8Array(CLUSTER_BYTES);
    let past = 0;
    for (const { sector, sectors } of ranges) {
      const end = Math.ceil((sector + sectors) / CLUSTER_SECTORS);
      for (let at = Math.max(past, Math.floor(sector / CLUSTER_SECTORS)); at < end; at++) {
        const region = Math.floor(at / TABLE_ENTRIES);
        if (!copied.has(region)) {
          const data = tables.get(region)?.data.slice() ?? new Float64Array(TABLE_ENTRIES);
          tables.set(region, { cluster: this.#next++, data });
          copied.add(region);
        }
        const cluster = this.#writeData(content, at * CLUSTER_SECTORS, buffer);
        tables.get(region)!.data[at % TABLE_ENTRIES] = cluster;
      }
      past = Math.max(past, end);
    }
    return tables;
  }

  /** Its cluster in the file; 0 when it is all zeros: below there is nothing that it has to hide. */
  #writeData(content: SectorContent, sector: number, buffer: Uint8Array): number {
    const sectors = Math.min(CLUSTER_SECTORS, this.#sectors - sector);
    buffer.fill(0, sectors * SECTOR_BYTES);
    content.readInto(sector, sectors, buffer.subarray(0, sectors * SECTOR_BYTES));
    if (isZero(buffer)) return 0;
    this.#file.write(this.#next * CLUSTER_BYTES, buffer);
    return this.#next++;
  }

  #countReferences(states: readonly State[]): Map<number, number> {
    const refs = new Map<number, number>();
    const count = (cluster: number): void => void refs.set(cluster, (refs.get(cluster) ?? 0) + 1);
    for (const state of states) {
      for (const { cluster, data } of state.values()) {
        count(cluster);
        for (const each of data) if (each !== 0) count(each);
      }
    }
    return refs;
  }

  #writeTables(states: readonly State[], refs: ReadonlyMap<number, number>): void {
    const written = new Set<number>();
    for (const state of states) {
      for (const { cluster, data } of state.values()) {
        if (written.has(cluster)) continue;
        written.add(cluster);
        const table = entryTable(TABLE_ENTRIES);
        data.forEach((each, index) => {
          if (each !== 0) table.setBigUint64(8 * index, pointer(each, refs.get(each) === 1));
        });
        this.#file.write(cluster * CLUSTER_BYTES, bytesOf(table));
      }
    }
  }

  /** Returns the first cluster of the table. */
  #writeL1(state: State, refs: ReadonlyMap<number, number>, isActive: boolean): number {
    const l1 = entryTable(this.#regions);
    for (const [region, { cluster }] of state) {
      l1.setBigUint64(8 * region, pointer(cluster, isActive && refs.get(cluster) === 1));
    }
    const at = this.#next;
    this.#file.write(at * CLUSTER_BYTES, bytesOf(l1));
    this.#next += l1.byteLength / CLUSTER_BYTES;
    return at;
  }

  /** Returns where in the file it begins; 0 without snapshots. */
  #writeSnapshotTable(points: readonly Qcow2State[], l1s: readonly number[]): number {
    if (points.length === 0) return 0;
    const entries = points.map(({ name }, index) =>
      snapshotEntry(String(index + 1), name, l1s[index]!, this.#regions, this.#sectors),
    );
    const at = this.#next * CLUSTER_BYTES;
    let end = at;
    for (const entry of entries) {
      this.#file.write(end, entry);
      end += entry.length;
    }
    this.#next = Math.ceil(end / CLUSTER_BYTES);
    return at;
  }
}

const pointer = (cluster: number, isCopied: boolean): bigint =>
  BigInt(cluster * CLUSTER_BYTES) | (isCopied ? COPIED : 0n);

function snapshotEntry(
  id: string,
  name: string,
  l1Cluster: number,
  l1Entries: number,
  sectors: number,
): Uint8Array {
  const encoder = new TextEncoder();
  const [idBytes, nameBytes] = [encoder.encode(id), encoder.encode(name)];
  const extra = 16;
  const length = 40 + extra + idBytes.length + nameBytes.length;
  const bytes = new Uint8Array(Math.ceil(length / 8) * 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(l1Cluster * CLUSTER_BYTES));
  view.setUint32(8, l1Entries);
  view.setUint16(12, idBytes.length);
  view.setUint16(14, nameBytes.length);
  view.setUint32(36, extra);
  view.setBigUint64(48, BigInt(sectors * SECTOR_BYTES));
  bytes.set(idBytes, 40 + extra);
  bytes.set(nameBytes, 40 + extra + idBytes.length);
  return bytes;
}
