/** The door of the captured inputs: importers of block traces and the writer of one form. */
export type {
  BlockCapture,
  CapturedOp,
  CapturedRequest,
  CaptureFormat,
  CaptureMeta,
} from "./capture.ts";
export type { BlkparseEvent } from "./blkparse.ts";
export type { CaptureCompression } from "./decompress.ts";
export { importCapture } from "./import-capture.ts";
export type { ImportFailureCode, ImportOptions, ImportResult } from "./import-capture.ts";
export { formatProblem } from "./problems.ts";
export type { CaptureProblem } from "./problems.ts";
