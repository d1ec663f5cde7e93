// Which words of a hart's block the host may replace one by one: those that no cache of an engine depends on. All others
// go through `writeHart`.

import * as layout from "./layout.ts";

const SINGLE: ReadonlySet<number> = new Set([
  layout.HART_PC,
  layout.HART_WAITING,
  layout.HART_RESERVATION,
  layout.HART_MIP,
  layout.HART_PINS,
  layout.HART_TIME_BASE,
  layout.HART_TIME_SINCE,
  layout.HART_TIME_NUMERATOR,
  layout.HART_TIME_DENOMINATOR,
]);

export const isPlainWord = (offset: number): boolean =>
  SINGLE.has(offset) || (offset > layout.HART_X && offset < layout.HART_SINK && offset % 8 === 0);
