/**
 * Natural exponential from IEEE additions and multiplications alone, whose results the language
 * fixes to the last bit: e^x = 2^k * 2^(j/256) * e^r with a table for the middle and a short series
 * for r. Reproducible on every engine; not correctly rounded: relative error below 2^-50.
 */
import { assert } from "../../assert.ts";
import { LN2, LN2_BY_256_HIGH, LN2_BY_256_LOW, powerTable } from "./fixed-point.ts";

const STEPS_PER_UNIT = 256 / LN2;
const LARGEST_ARGUMENT = 700;
const ONE_AT = 1022;

const POWER: Float64Array = powerTable();

/** Entry ONE_AT + e: 2^e, exactly. */
const POWER_OF_TWO: Float64Array = powersOfTwo();

/** e^x for |x| <= 700. */
export function naturalExp(x: number): number {
  assert(x <= LARGEST_ARGUMENT && x >= -LARGEST_ARGUMENT, "exponent out of range");
  const steps = Math.floor(x * STEPS_PER_UNIT + 0.5);
  const r = x - steps * LN2_BY_256_HIGH - steps * LN2_BY_256_LOW;
  const rest = r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r / 120))));
  const middle = POWER[steps & 0xff]!;
  return (middle + middle * rest) * POWER_OF_TWO[ONE_AT + (steps >> 8)]!;
}

/** (e^x - 1)/x, continued through x = 0; |x| <= 700. */
export function expm1OverX(x: number): number {
  if (x > 1 / 64 || x < -1 / 64) return (naturalExp(x) - 1) / x;
  return 1 + (x / 2) * (1 + (x / 3) * (1 + (x / 4) * (1 + (x / 5) * (1 + (x / 6) * (1 + x / 7)))));
}

function powersOfTwo(): Float64Array {
  const table = new Float64Array(2 * ONE_AT + 1);
  table[ONE_AT] = 1;
  for (let e = 1; e <= ONE_AT; e++) {
    table[ONE_AT + e] = table[ONE_AT + e - 1]! * 2;
    table[ONE_AT - e] = table[ONE_AT - e + 1]! / 2;
  }
  return table;
}
