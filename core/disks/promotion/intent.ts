/** What a promotion makes durable first: the bases that it makes, and what they take the place of. */
import type { NamedLayer } from "../clone/sharers.ts";

export type PromotedDisk = {
  /** Descriptor of the new base; its volume bears the same name. */
  readonly base: string;
  /** Top of the shared part of the chain. */
  readonly shared: string;
  /** Lowest layer of the clone's own: carried over, it stands on the new base afterwards. */
  readonly lowest: string;
  /** The clone's own layers, top first: merged into the new base they go. */
  readonly own: readonly NamedLayer[];
};

export type PromotionIntent = {
  readonly kind: "promote";
  readonly operation: string;
  readonly vm: string;
  /** `merge`: everything goes into the new base. `carry`: the clone's own layers stay on top of it. */
  readonly mode: "merge" | "carry";
  readonly disks: { readonly [disk: string]: PromotedDisk };
};
