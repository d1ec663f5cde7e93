/** What a restore makes durable first. */
export type RestoreIntent = {
  readonly kind: "restore";
  readonly operation: string;
  readonly vm: string;
  readonly backup: string;
  /** New descriptors by disk; their volumes bear the same names. */
  readonly descriptors: { readonly [disk: string]: string };
  /** Layers that nobody needs afterwards. */
  readonly old: readonly { readonly descriptor: string; readonly volume: string }[];
};
