/**
 * What is known of how fast the published workloads write memory: two uniform working sets each. They
 * are the least squares of `fitWorkingSets` (fit-working-sets.ts) over the published rounds of the
 * workload itself, rounded; a test holds that. The engine gets these, and no figure of a round.
 */
import type { WorkingSet } from "./mean-field.ts";

export const workingSetsOf: { readonly [workload: string]: readonly WorkingSet[] } = {
  specweb99: [
    { sizeMiB: 422.4, writesPerSecond: 748 },
    { sizeMiB: 48.09, writesPerSecond: 17_098 },
  ],
  quake3: [
    { sizeMiB: 61.9, writesPerSecond: 965 },
    { sizeMiB: 2.06, writesPerSecond: 3_025 },
  ],
};
