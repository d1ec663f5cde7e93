// 64-bit arithmetic on BigInt: registers are held as unsigned values below 2^64, and these are the two views of them.

export const MASK64 = (1n << 64n) - 1n;

export const unsigned64 = (value: bigint): bigint => BigInt.asUintN(64, value);
export const signed64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** The low 32 bits, sign-extended, as an unsigned 64-bit value: what every *W instruction writes. */
export const signExtend32 = (value: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(32, value));

/** The low `bits` bits, sign-extended, as an unsigned 64-bit value. */
export const signExtend = (value: bigint, bits: number): bigint =>
  BigInt.asUintN(64, BigInt.asIntN(bits, value));

/** Bits high..low of a 32-bit word, as a number. */
export const field = (word: number, high: number, low: number): number =>
  (word >>> low) & ((1 << (high - low + 1)) - 1);
