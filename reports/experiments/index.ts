/** The door of experiments: those that there are, how they are run and rendered. */
import { chainDepth } from "./chain-depth.ts";
import { clark2005 } from "./clark-2005.ts";
import { consolidation } from "./consolidation.ts";
import { evacuation } from "./evacuation.ts";
import type { Experiment } from "./experiment.ts";
import { lazyRestore } from "./lazy-restore.ts";
import { migration } from "./migration.ts";
import { migrationTraffic } from "./migration-traffic.ts";
import { postCopyPrefetch } from "./post-copy-prefetch.ts";
import { prefetch } from "./prefetch.ts";
import { promotion } from "./promotion.ts";
import { traceCost } from "./trace-cost.ts";
import { workingSet } from "./working-set.ts";

export const experiments: readonly Experiment[] = [
  chainDepth,
  clark2005,
  consolidation,
  evacuation,
  lazyRestore,
  migration,
  migrationTraffic,
  prefetch,
  postCopyPrefetch,
  promotion,
  traceCost,
  workingSet,
];

export type { Experiment } from "./experiment.ts";
export {
  experimentCsv,
  experimentTable,
  type Provenance,
  renderExperiment,
  renderExperimentMarkdown,
} from "./experiment-report.ts";
export { comparedFigures } from "./held-against.ts";
export { ExperimentError, type ExperimentResult, runExperiment } from "./run-experiment.ts";
export { withSettings } from "./sweep.ts";
