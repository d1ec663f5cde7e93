/**
 * A trace as a recorded run: its epochs, snapshots, notices and how it ended, read from chunks.
 */
import type { PlainObject } from "../../core/kernel/index.ts";
import { chunkKinds, type ChunkRef, type Trace } from "../format/index.ts";
import type { EpochRecord, NoticeRow } from "../trace-chunks.ts";

export interface SnapshotRef {
  readonly chunk: ChunkRef;
  /** From 1. */
  readonly index: number;
  readonly event: number;
  readonly timeNs: number;
  /** Draws made, and live inputs taken, before it. */
  readonly draws: number;
  readonly inputs: number;
  /** Taken after the event, between two instructions of real guests: `timeNs` is later than it. */
  readonly between?: boolean;
}

export interface RecordedEnd {
  readonly outcome: string;
  readonly root: string;
  readonly events: number;
  readonly timeNs: number;
  /** The last epoch was ended (`World.finish`); an interrupted run is left in the middle of one. */
  readonly finished: boolean;
  /** States that a search should reach and this run did not. */
  readonly unreached?: readonly string[];
}

export class RecordedRun {
  readonly trace: Trace;
  readonly epochs: readonly EpochRecord[];
  readonly snapshots: readonly SnapshotRef[];
  /** Undefined when the file does not say: it was cut, or the run was killed. */
  readonly end: RecordedEnd | undefined;

  constructor(trace: Trace) {
    this.trace = trace;
    this.epochs = trace.chunks(chunkKinds.epoch).map((chunk) => this.#plain(chunk) as EpochRecord);
    this.snapshots = trace
      .chunks(chunkKinds.snapshot)
      .map((chunk) => ({ chunk, ...(chunk.meta as unknown as Omit<SnapshotRef, "chunk">) }));
    const { end } = trace;
    this.end = end as unknown as RecordedEnd | undefined;
  }

  get log(): "full" | "seed" {
    return this.trace.header.extra["log"] === "seed" ? "seed" : "full";
  }

  /** Last event that the trace vouches for. */
  get lastEvent(): number {
    if (this.end !== undefined) return this.end.events;
    // Draws are written before a snapshot, as before the end of an epoch.
    return Math.max(this.epochs.at(-1)?.event ?? 0, this.snapshots.at(-1)?.event ?? 0);
  }

  *notices(): Generator<NoticeRow> {
    for (const chunk of this.trace.chunks(chunkKinds.notices)) {
      yield* this.#plain(chunk) as unknown as NoticeRow[];
    }
  }

  /** Throws when the chunk is damaged or is not what it should be. */
  snapshotDelta(ref: SnapshotRef): PlainObject {
    return this.#plain(ref.chunk) as PlainObject;
  }

  #plain(chunk: ChunkRef): unknown {
    const result = this.trace.readPlain(chunk);
    if (!result.ok)
      throw new Error(`${chunk.kind} chunk at byte ${chunk.offset}: ${result.message}`);
    return result.value;
  }
}
