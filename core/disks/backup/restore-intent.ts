/** What a restore makes durable first. */
import type { HeldLayer } from "../clone/sharers.ts";

export type RestoreIntent = {
  readonly kind: "restore";
  readonly operation: string;
  readonly vm: string;
  readonly backup: string;
  /** New descriptors by disk; flat volumes bear the same names. */
  readonly descriptors: { readonly [disk: string]: string };
  /** The new bases are copy-on-write volumes, which the intent holds. */
  readonly cow?: true;
  /** Layers that nobody needs afterwards. */
  readonly old: readonly HeldLayer[];
};
