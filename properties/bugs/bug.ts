/** A planted bug: one place in one source, and what a hurried author might have written there. */
export interface Bug {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly what: string;
  /** Source, from the repository's root; `find` must be in it exactly once. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Report of the bug that this one re-creates. */
  readonly history?: string;
  /**
   * What must catch it without naming it: a search of a scenario, the crash enumeration of one, or a
   * test file.
   */
  readonly caughtBy:
    | { readonly explore: string; readonly settings?: readonly string[] }
    | { readonly crashes: string; readonly settings?: readonly string[] }
    | { readonly test: string };
}
