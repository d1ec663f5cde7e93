/**
 * The results of a recorded run as a source for the gate: per stream, in order, read chunk by chunk
 * as the replay asks for them, so that a long log is never in memory as a whole.
 */
import type { DrawSource } from "../../core/kernel/index.ts";
import { chunkKinds, type ChunkRef, type Trace } from "../format/index.ts";
import { STREAMS } from "../trace-chunks.ts";

interface Waiting {
  readonly segments: Float64Array[];
  /** Into the first segment. */
  offset: number;
}

export class DrawLog implements DrawSource {
  readonly #trace: Trace;
  readonly #chunks: readonly ChunkRef[];
  readonly #indexes = new Map<string, number>();
  #waiting: (Waiting | undefined)[] = [];
  #nextChunk = 0;

  /** `owner` restricts it to the draws of one VM. Throws when a chunk of names is damaged. */
  constructor(trace: Trace, owner?: string) {
    this.#trace = trace;
    const chunks = trace.chunks(chunkKinds.draws);
    this.#chunks = owner === undefined ? chunks : chunks.filter((c) => c.meta["owner"] === owner);
    for (const chunk of trace.chunks(STREAMS)) this.#readNames(chunk);
  }

  /** Starts again at a place where a chunk begins: the start, or a saved snapshot. */
  seek(draws: number): void {
    this.#waiting = [];
    this.#nextChunk = this.#chunks.findIndex((chunk) => (chunk.meta["first"] as number) >= draws);
    if (this.#nextChunk < 0) this.#nextChunk = this.#chunks.length;
  }

  at(entity: string, purpose: string): number | undefined {
    const stream = this.#indexes.get(`${entity}\n${purpose}`);
    if (stream === undefined) return undefined;
    for (;;) {
      const waiting = this.#waiting[stream];
      const segment = waiting?.segments[0];
      if (waiting !== undefined && segment !== undefined) return take(waiting, segment);
      if (this.#nextChunk >= this.#chunks.length) return undefined;
      this.#load(this.#chunks[this.#nextChunk++]!);
    }
  }

  #load(chunk: ChunkRef): void {
    const result = this.#trace.readColumns(chunk);
    if (!result.ok) throw new Error(`draws of the trace cannot be read: ${result.message}`);
    const column = result.columns.get("draws");
    if (column?.type !== "streams") throw new Error("a chunk of draws without its column");
    for (const { stream, values } of column.streams) {
      const waiting = (this.#waiting[stream] ??= { segments: [], offset: 0 });
      waiting.segments.push(values);
    }
  }

  #readNames(chunk: ChunkRef): void {
    const result = this.#trace.readColumns(chunk);
    if (!result.ok) throw new Error(`stream names of the trace cannot be read: ${result.message}`);
    const entities = result.columns.get("entity");
    const purposes = result.columns.get("purpose");
    if (entities?.type !== "strings" || purposes?.type !== "strings") return;
    const first = chunk.meta["first"] as number;
    entities.values.forEach((entity, i) => {
      this.#indexes.set(`${entity}\n${purposes.values[i]}`, first + i);
    });
  }
}

function take(waiting: Waiting, segment: Float64Array): number {
  const value = segment[waiting.offset++]!;
  if (waiting.offset === segment.length) {
    waiting.segments.shift();
    waiting.offset = 0;
  }
  return value;
}
