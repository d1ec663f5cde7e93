// Comparison, minimum and maximum, classification.

import {
  canonicalNaN,
  exact,
  FLAG,
  type FloatFormat,
  type FloatResult,
  type Unpacked,
  unpack,
} from "./format.ts";

export interface Comparison {
  readonly result: boolean;
  readonly flags: number;
}

const signals = (value: Unpacked): boolean => value.kind === "nan" && value.signaling;

/** Bits as an integer that orders like the value: sign and magnitude become one signed number; both zeros are 0. */
function rank(format: FloatFormat, bits: bigint): bigint {
  const magnitude = bits & ((1n << BigInt(format.width - 1)) - 1n);
  return bits === magnitude ? magnitude : -magnitude;
}

/** feq: only signaling NaNs are invalid. */
export function equal(format: FloatFormat, a: bigint, b: bigint): Comparison {
  const ua = unpack(format, a);
  const ub = unpack(format, b);
  if (ua.kind === "nan" || ub.kind === "nan")
    return { result: false, flags: signals(ua) || signals(ub) ? FLAG.invalid : 0 };
  return { result: rank(format, a) === rank(format, b), flags: 0 };
}

/** flt and fle: any NaN is invalid. */
export function less(format: FloatFormat, a: bigint, b: bigint, orEqual: boolean): Comparison {
  if (unpack(format, a).kind === "nan" || unpack(format, b).kind === "nan")
    return { result: false, flags: FLAG.invalid };
  const ra = rank(format, a);
  const rb = rank(format, b);
  return { result: orEqual ? ra <= rb : ra < rb, flags: 0 };
}

/** fmin and fmax (minimumNumber, maximumNumber of IEEE 754-2019): a NaN loses; -0 is below +0. */
export function extreme(format: FloatFormat, a: bigint, b: bigint, maximum: boolean): FloatResult {
  const ua = unpack(format, a);
  const ub = unpack(format, b);
  const flags = signals(ua) || signals(ub) ? FLAG.invalid : 0;
  if (ua.kind === "nan") return { bits: ub.kind === "nan" ? canonicalNaN(format) : b, flags };
  if (ub.kind === "nan") return { bits: a, flags };
  const ra = rank(format, a);
  const rb = rank(format, b);
  if (ra === rb) return exact(ua.sign === maximum ? b : a);
  return exact(ra < rb !== maximum ? a : b);
}

/** fclass: one bit of ten. */
export function classify(format: FloatFormat, a: bigint): bigint {
  const value = unpack(format, a);
  switch (value.kind) {
    case "nan":
      return value.signaling ? 1n << 8n : 1n << 9n;
    case "infinity":
      return value.sign ? 1n : 1n << 7n;
    case "zero":
      return value.sign ? 1n << 3n : 1n << 4n;
    case "finite": {
      const normal = value.significand >> BigInt(format.fractionBits) !== 0n;
      if (value.sign) return normal ? 1n << 1n : 1n << 2n;
      return normal ? 1n << 6n : 1n << 5n;
    }
  }
}
