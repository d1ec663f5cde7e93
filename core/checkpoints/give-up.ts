import { go, type Plain, type Step } from "../kernel/index.ts";

/** Goes to the phase `giveUp` of an operation; the first failure is the one that is told. */
export const giveUp =
  (code: string, detail: Plain = null) =>
  (op: { edit(): { failure?: unknown } }): Step => {
    op.edit().failure ??= { code, detail };
    return go("giveUp");
  };
