/** The kernel's door: time, events, gate, stores, domains, messages, operations, invariants. */
export type { Advance } from "./advance.ts";
export { assert, unreachable } from "./assert.ts";
export { canonicalBytes, canonicalHash } from "./canonical.ts";
export type { AskOptions, Delivery, Envelope, Reply, Request, SendOptions } from "./carrier.ts";
export { component, type AnyComponent, type Component } from "./component.ts";
export {
  SECTOR_BYTES,
  sameRuns,
  type ContentRun,
  type SectorRange,
} from "./content/content-run.ts";
export { DerivedContents, LikeContents, WhileSame } from "./content/derived.ts";
export { expandRuns } from "./content/expand-sectors.ts";
export { MAX_SECTORS, SectorContent } from "./content/sector-content.ts";
export {
  type CompressionRatio,
  diskNumber,
  isStamp,
  stampBase,
  stampRatio,
} from "./content/stamp.ts";
export { diffWorlds, type Difference } from "./diff.ts";
export { Entity, type DomainId, type EntityId } from "./entity.ts";
export type { TimerHandle } from "./event-queue.ts";
export type { DrawSink, DrawSource, GateCounts, GateOptions, Steer, Stream } from "./gate.ts";
export { hash64, hashHex } from "./hash.ts";
export { changedInPlace } from "./in-place.ts";
export * from "./invariant.ts";
export type { MetricPoint } from "./metrics.ts";
export * from "./operation.ts";
export * from "./operations-under-way.ts";
export { clonePlain, equalPlain, type Editable, type Plain, type PlainObject } from "./plain.ts";
export * from "./random/index.ts";
export { domainRoots, entityDigests } from "./root.ts";
export {
  captureWorld,
  decodeImage,
  encodeImage,
  entityInImage,
  type EntityInImage,
  restoreWorld,
  SnapshotOfOtherCode,
  type WorldImage,
} from "./snapshot.ts";
export { Bitmap, bitmapWords } from "./stores/bitmap.ts";
export { type MakeBacking, type MemoryShape, type PageSource } from "./stores/memories.ts";
export {
  changedPages,
  MEMORY_PAGE_BYTES,
  type MemoryPage,
  type PageBacking,
  type PageChunk,
  PagedMemory,
  pageOf,
  withPages,
  zeroChunks,
} from "./stores/paged-memory.ts";
export { type ArrayImage, NumberArray, type NumberRun } from "./stores/number-array.ts";
export * from "./time.ts";
export { splitPointer, type Viewed, viewPath } from "./view.ts";
export * from "./world.ts";
export * from "./world-types.ts";
