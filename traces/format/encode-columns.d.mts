/** Numbers of any kind. Integers in [0, 2^53) are cheapest; `delta` suits rising ones. */
export interface NumbersColumn {
  readonly type: "numbers";
  readonly values: Float64Array;
  readonly delta?: boolean;
}

export interface U32Column {
  readonly type: "u32";
  readonly values: Uint32Array;
  readonly delta?: boolean;
}

export interface BytesColumn {
  readonly type: "bytes";
  readonly values: Uint8Array;
}

/** Well-formed strings; each distinct one is stored once. */
export interface StringsColumn {
  readonly type: "strings";
  readonly values: readonly string[];
}

/**
 * Values drawn from many streams in the order of drawing: `values[i]` came from `streams[i]`.
 * Stored stream by stream; the order between streams is not kept.
 */
export interface StreamsColumn {
  readonly type: "streams";
  readonly streams: Uint32Array;
  readonly values: Float64Array;
}

export type Column = NumbersColumn | U32Column | BytesColumn | StringsColumn | StreamsColumn;
export type ColumnSet = Readonly<Record<string, Column>>;

export declare const columnTypes: {
  readonly numbers: 0;
  readonly u32: 1;
  readonly bytes: 2;
  readonly strings: 3;
  readonly streams: 4;
};

export declare const numberCodes: {
  readonly plain: 0;
  readonly delta: 1;
  readonly zigzag: 2;
  readonly float64: 3;
};

/** The payload of a chunk of columns. Not compressed again: its blocks are. */
export declare function encodeColumns(columns: ColumnSet): Uint8Array;
