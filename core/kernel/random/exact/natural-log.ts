/**
 * Natural logarithm from IEEE additions and multiplications alone, whose results the language fixes
 * to the last bit: a table by the top 8 bits of the significand, and a short series for the rest
 * (Tang, "Table-driven implementation of the logarithm function", ACM TOMS 16(4), 1990).
 * Reproducible on every engine; not correctly rounded: absolute error below 2^-50 near 1.
 */
import { LN2, logarithmTable } from "./fixed-point.ts";

/** Entry i: ln of the centre of [1 + i/256, 1 + (i+1)/256). */
const LOG_OF_CENTRE: Float64Array = logarithmTable();

/** Entry i: one over that centre. */
const INVERSE_CENTRE: Float64Array = Float64Array.from(
  { length: 256 },
  (_, i) => 512 / (513 + 2 * i),
);

/** Scratch for taking a double apart; nothing in it outlives a call. */
const scratch = new DataView(new ArrayBuffer(8));

/** ln(x) of a positive normal double. */
export function naturalLog(x: number): number {
  scratch.setFloat64(0, x);
  const top = scratch.getUint32(0);
  const exponent = (top >>> 20) - 1023;
  scratch.setUint32(0, (top & 0xfffff) | 0x3ff00000);
  return exponent * LN2 + logOfSignificand(scratch.getFloat64(0), (top >>> 12) & 0xff);
}

/** ln(m) for m in [1, 2], where `index` is the top 8 bits of m's fraction. */
export function logOfSignificand(m: number, index: number): number {
  const r = m * INVERSE_CENTRE[index]! - 1;
  const tail = r * r * (1 / 2 - r * (1 / 3 - r * (1 / 4 - r * (1 / 5 - r / 6))));
  return LOG_OF_CENTRE[index]! + (r - tail);
}

/** ln(1 + x)/x, continued through x = 0; x > -1. */
export function log1pOverX(x: number): number {
  if (x > 1 / 64 || x < -1 / 64) return naturalLog(1 + x) / x;
  const high = 1 / 5 - x * (1 / 6 - x * (1 / 7 - x * (1 / 8 - x / 9)));
  return 1 - x * (1 / 2 - x * (1 / 3 - x * (1 / 4 - x * high)));
}
