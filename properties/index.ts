/** The door of properties: searches for broken invariants, and making what they find small. */
export { createSearcher, runBlock } from "./explorer/block.ts";
export { explore, type Explored } from "./explorer/explore.ts";
export {
  EXHAUSTIVE_FORMAT,
  type Exhaustive,
  type ExhaustiveState,
  exhaust,
  exhaustiveResult,
} from "./explorer/exhaustive.ts";
export { mergeResults, readResult, type SearchResult } from "./explorer/result-file.ts";
export {
  saveFinding,
  type SavedFinding,
  saveShrunk,
  unsaved,
  violationOf,
} from "./explorer/save-findings.ts";
export { GENERATED, openSearched } from "./explorer/searched.ts";
export { BLOCK_RUNS, type Strategy } from "./explorer/search.ts";
export { documentOfRun } from "./shrinking/trace-document.ts";
export {
  type DepthReport,
  type Enumerated,
  enumerateCrashes,
} from "./crash-enumeration/enumerate.ts";
export { CrashWorkers } from "./crash-enumeration/worker-pool.ts";
export { buildVariant } from "./bugs/loading/variant-module.ts";
