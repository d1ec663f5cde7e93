/** What a consolidation makes durable before anything else, and plans by. */

/** One disk's part: the layer `child` goes into its parent `target`. */
export type LayerMerge = {
  /** Descriptor whose point in time is given up; its volume takes the data in. */
  readonly target: string;
  readonly targetVolume: string;
  /** Descriptor that stands on it and will lead to its volume; null: nothing stands on it. */
  readonly child: string | null;
  /** Volume of the child, which goes. */
  readonly childVolume: string | null;
};

export const METHODS = ["mirror", "iterative", "block-merge"] as const;
export type ConsolidationMethod = (typeof METHODS)[number];

export type ConsolidationIntent = {
  readonly kind: "consolidate";
  readonly operation: string;
  readonly vm: string;
  readonly method: ConsolidationMethod;
  readonly pointInTime: string;
  readonly merges: { readonly [disk: string]: LayerMerge };
};
