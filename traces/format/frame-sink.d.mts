import type { ColumnSet } from "./encode-columns.mjs";
import type { ChunkKind } from "./layout.mjs";

/** How a payload is compressed: brotli at quality 1 or 6, or not at all. */
export type WriteCodec = "fast" | "small" | "raw";

export interface SinkEntry {
  readonly kind: ChunkKind;
  /** Of the whole frame, its link included. */
  readonly length: number;
  readonly meta: Uint8Array;
  readonly link: Uint8Array;
}

export interface SinkState {
  offset: number;
  link: Uint8Array;
  readonly entries: SinkEntry[];
}

export declare const noLink: Uint8Array;
export declare function chainLink(before: Uint8Array, ...pieces: readonly Uint8Array[]): Uint8Array;

/** Throws RangeError when a limit of layout.mjs is passed: a mistake of the caller. */
export declare class FrameSink {
  /** `write` is given a frame in pieces, whose bytes it has to read at once. */
  constructor(write: (pieces: readonly Uint8Array[]) => void, state?: SinkState);
  readonly state: SinkState;
  begin(header: Uint8Array): void;
  append(kind: ChunkKind, meta: Uint8Array, payload: Uint8Array, codec: WriteCodec): void;
  appendColumns(kind: ChunkKind, meta: Uint8Array, columns: ColumnSet): void;
  appendStored(
    kind: ChunkKind,
    meta: Uint8Array,
    stored: Uint8Array,
    codecByte: number,
    rawLength: number,
  ): void;
  finish(): void;
}
