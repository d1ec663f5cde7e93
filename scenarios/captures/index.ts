/** The door of the captured inputs: importers of block traces and the writer of one form. */
export {
  CAPTURE_FORMATS,
  CAPTURED_OPS,
  MAX_SECTORS,
  SECTOR_BYTES,
  requestAt,
  requestsOf,
} from "./capture.ts";
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
export { readCaptureFile } from "./read-capture-file.ts";
export { formatVscsi, vscsiLines } from "./write-vscsi.ts";
