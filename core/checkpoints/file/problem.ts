/** What can be wrong with a checkpoint file: expected trouble, told as data. */

export type FileProblem = {
  /**
   * `not-a-checkpoint`: something else is there; `unsupported-version`: of a later version;
   * `wrong-vm`, `wrong-machine`: of another VM, or of one that was made differently;
   * `wrong-base`: what it stands on is another file, or none;
   * `not-committed`: its saving never came to an end; `truncated`: it ends too early;
   * `damaged`: a checksum, a stamp or a length is not what it must be.
   */
  readonly code:
    | "not-a-checkpoint"
    | "unsupported-version"
    | "wrong-vm"
    | "wrong-machine"
    | "wrong-base"
    | "not-committed"
    | "truncated"
    | "damaged";
  /** One line: which part, and what was expected. */
  readonly message: string;
};

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: FileProblem };

export const sound = <T>(value: T): Checked<T> => ({ ok: true, value });

export const bad = (code: FileProblem["code"], message: string): Checked<never> => ({
  ok: false,
  problem: { code, message },
});
