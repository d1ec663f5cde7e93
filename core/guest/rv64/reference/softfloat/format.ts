// IEEE 754 binary formats on BigInt: taking a value apart exactly and putting special values together. A finite value is
// significand * 2^exponent with an integer significand, so later steps can compute without loss and round once.

export interface FloatFormat {
  readonly width: number;
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
}

export const BINARY32: FloatFormat = { width: 32, exponentBits: 8, fractionBits: 23, bias: 127 };
export const BINARY64: FloatFormat = { width: 64, exponentBits: 11, fractionBits: 52, bias: 1023 };

/** Bits of fflags. */
export const FLAG = {
  inexact: 1,
  underflow: 2,
  overflow: 4,
  divideByZero: 8,
  invalid: 16,
} as const;

/** Values of frm: nearest even, towards zero, down, up, nearest with ties away. */
export const ROUND = { nearest: 0, zero: 1, down: 2, up: 3, away: 4 } as const;

export interface FloatResult {
  readonly bits: bigint;
  readonly flags: number;
}

export type Unpacked =
  | { readonly kind: "nan"; readonly sign: boolean; readonly signaling: boolean }
  | { readonly kind: "infinity"; readonly sign: boolean }
  | { readonly kind: "zero"; readonly sign: boolean }
  | {
      readonly kind: "finite";
      readonly sign: boolean;
      readonly significand: bigint;
      readonly exponent: number;
    };

export function unpack(format: FloatFormat, bits: bigint): Unpacked {
  const fractionBits = BigInt(format.fractionBits);
  const sign = ((bits >> BigInt(format.width - 1)) & 1n) === 1n;
  const fraction = bits & ((1n << fractionBits) - 1n);
  const biased = Number((bits >> fractionBits) & ((1n << BigInt(format.exponentBits)) - 1n));
  if (biased === (1 << format.exponentBits) - 1) {
    if (fraction === 0n) return { kind: "infinity", sign };
    return { kind: "nan", sign, signaling: fraction >> (fractionBits - 1n) === 0n };
  }
  if (biased === 0 && fraction === 0n) return { kind: "zero", sign };
  const lowest = 1 - format.bias - format.fractionBits;
  if (biased === 0) return { kind: "finite", sign, significand: fraction, exponent: lowest };
  const significand = fraction | (1n << fractionBits);
  return { kind: "finite", sign, significand, exponent: lowest + biased - 1 };
}

const signBit = (format: FloatFormat, sign: boolean): bigint =>
  sign ? 1n << BigInt(format.width - 1) : 0n;

export const zero = (format: FloatFormat, sign: boolean): bigint => signBit(format, sign);

export const infinity = (format: FloatFormat, sign: boolean): bigint =>
  signBit(format, sign) |
  (((1n << BigInt(format.exponentBits)) - 1n) << BigInt(format.fractionBits));

export const largest = (format: FloatFormat, sign: boolean): bigint => infinity(format, sign) - 1n;

/** The one NaN that operations produce: positive, quiet, no payload. */
export const canonicalNaN = (format: FloatFormat): bigint =>
  infinity(format, false) | (1n << BigInt(format.fractionBits - 1));

export const exact = (bits: bigint): FloatResult => ({ bits, flags: 0 });

export const invalid = (format: FloatFormat): FloatResult => ({
  bits: canonicalNaN(format),
  flags: FLAG.invalid,
});

/** The result of an operation with a NaN operand: canonical, and invalid if any of them signals. */
export function propagateNaN(format: FloatFormat, operands: readonly Unpacked[]): FloatResult {
  const signals = operands.some((operand) => operand.kind === "nan" && operand.signaling);
  return { bits: canonicalNaN(format), flags: signals ? FLAG.invalid : 0 };
}

export const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
