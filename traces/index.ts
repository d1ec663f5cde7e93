/** The door of traces: recording a run, replaying it, moving in it, comparing two. */
export { codeVersion } from "./code-version.ts";
export { diffTraces, type TraceDifference } from "./comparing/trace-diff.ts";
export { finishUnless } from "./replaying/sliced.ts";
export { type Change, type EventLine, whyChanged } from "./comparing/why.ts";
export { type DebugTarget, openGuest } from "./debugging/index.ts";
export * from "./format/index.ts";
export { type GdbServed, serveGdb } from "./gdb/index.ts";
export {
  type ChainSource,
  type DiskImage,
  type DiskImageLayer,
  imageContent,
  readImage,
  writeChain,
  writeImage,
  writeQcow2Snapshots,
} from "./images/index.ts";
export { type BoundaryEntry, boundaryRows } from "./recording/boundary-log.ts";
export { PAUSE_EVENTS, Recorder, type RecorderOptions } from "./recording/recorder.ts";
export { DrawLog } from "./replaying/draw-log.ts";
export { RecordedRun, type RecordedEnd, type SnapshotRef } from "./replaying/recorded-run.ts";
export {
  replayAsync,
  type Divergence,
  type NewDraw,
  type ReplayOptions,
  type ReplayResult,
} from "./replaying/replayer.ts";
export { type Predicate, Timeline } from "./replaying/timeline.ts";
export * from "./run-summary.ts";
export * from "./trace-chunks.ts";
export type { WorldBuilder } from "./world-builder.ts";
