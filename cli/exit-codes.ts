/** Exit codes: a stable contract with scripts. */
export const EXIT = {
  fine: 0,
  /** An invariant or expectation failed, a handler threw, or `diff` found a difference. */
  violation: 1,
  /** Wrong usage or bad input. */
  usage: 2,
  /** A damaged trace; the verb did its work on what could be salvaged. */
  damaged: 3,
  /** Something is missing from the environment. */
  environment: 4,
  /** Orrery itself was not deterministic. */
  divergence: 5,
  /** A bug in Orrery, as `EX_SOFTWARE` of sysexits.h. */
  internal: 70,
  /** Ctrl-C: what was being written is closed and whole. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const PRECEDENCE: readonly ExitCode[] = [
  EXIT.internal,
  EXIT.interrupted,
  EXIT.usage,
  EXIT.environment,
  EXIT.damaged,
  EXIT.divergence,
  EXIT.violation,
];

/** The code that wins when several apply. */
export const worstExit = (codes: readonly ExitCode[]): ExitCode =>
  PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.fine;
