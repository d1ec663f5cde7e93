/** What a linked clone makes durable first: on what it will stand, and what it replaces. */
import type { HeldLayer } from "./sharers.ts";

export type LinkedCloneIntent = {
  readonly kind: "linked-clone";
  readonly operation: string;
  /** The clone. */
  readonly vm: string;
  readonly source: string;
  /** Descriptors of the point in time, by disk. */
  readonly targets: { readonly [disk: string]: string };
  /** All that these stand on, down to their bases: none of it may change its parent or go either. */
  readonly below: readonly string[];
  /** New descriptors of the clone; their volumes bear the same names. */
  readonly descriptors: { readonly [disk: string]: string };
  /** What the clone's disks were before and nobody else needs. */
  readonly old: readonly HeldLayer[];
};
