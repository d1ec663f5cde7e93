// The door of the trace file container: write chunks, read chunks, know what was damaged.
export { chunkKinds, type ChunkKind } from "./layout.mjs";
export { type TraceHeader, type ReadHeader } from "./header.ts";
export { encodePlain, type Plain, type PlainMap, type PlainResult } from "./plain.ts";
export {
  type BytesColumn,
  type Column,
  type ColumnSet,
  type NumbersColumn,
  type StreamsColumn,
  type StringsColumn,
  type U32Column,
} from "./encode-columns.mjs";
export {
  type ColumnsResult,
  type DecodedColumn,
  type DecodedColumns,
  type StreamValues,
} from "./columns.ts";
export { type WriteCodec } from "./frame-sink.mjs";
export { LENT_BYTES, MemoryTraceWriter, writeTraceInMemory, type TraceWriter } from "./writer.ts";
export { createTraceFile, type FileWriterOptions } from "./file-writer.ts";
export {
  openTrace,
  type OpenOptions,
  type OpenResult,
  type ReadResult,
  type Trace,
  type VerifyResult,
} from "./reader.ts";
export { type ChunkRef, type Damage, type DamageCode } from "./trace-index.ts";
export { rewriteTrace } from "./rewrite.ts";
