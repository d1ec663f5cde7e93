/**
 * The boundary log of each VM: everything that its guest received, as (progress, kind, payload), so
 * that the guest can be rebuilt without host, link or array. Progress is the number of inputs the
 * guest had taken (modelled guests) or the retired instructions (rv64).
 */
import type { PlainObject } from "../../core/kernel/index.ts";
import { chunkKinds, type Plain, type TraceWriter } from "../format/index.ts";

export interface BoundaryEntry {
  readonly progress: number;
  readonly kind: string;
  readonly payload: PlainObject;
}

const ENTRIES_PER_CHUNK = 4_096;

export class BoundaryLog {
  readonly #writer: TraceWriter;
  readonly #pending = new Map<string, BoundaryEntry[]>();

  constructor(writer: TraceWriter) {
    this.#writer = writer;
  }

  add(vm: string, entry: BoundaryEntry): void {
    const entries = this.#pending.get(vm) ?? [];
    if (entries.length === 0) this.#pending.set(vm, entries);
    entries.push(entry);
    if (entries.length >= ENTRIES_PER_CHUNK) this.#write(vm, entries);
  }

  flush(): void {
    for (const [vm, entries] of this.#pending) this.#write(vm, entries);
  }

  #write(vm: string, entries: readonly BoundaryEntry[]): void {
    this.#pending.delete(vm);
    if (entries.length === 0) return;
    const rows = entries.map(({ progress, kind, payload }) => [progress, kind, payload]);
    const meta = { vm, count: rows.length };
    this.#writer.appendPlain(chunkKinds.boundary, meta, rows as Plain);
  }
}

/** All entries of one VM, in order. */
export function boundaryRows(rows: readonly Plain[]): BoundaryEntry[] {
  return (rows as unknown as [number, string, PlainObject][]).map(
    ([progress, kind, payload]): BoundaryEntry => ({ progress, kind, payload }),
  );
}
