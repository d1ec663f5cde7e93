/** Elementary functions whose every bit is the same on every engine. */
export { LN2 } from "./fixed-point.ts";
export { log1pOverX, logOfSignificand, naturalLog } from "./natural-log.ts";
export { expm1OverX, naturalExp } from "./natural-exp.ts";
export { normalQuantile } from "./normal-quantile.ts";
