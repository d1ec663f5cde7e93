/**
 * Constants of the logarithm and the exponential, computed in integers: fixed point with 128
 * fraction bits (BigInt), rounded once to a double. They are the same on every engine, which the
 * language does not promise for Math.log and Math.exp.
 */

const FRACTION_BITS = 128n;
const ONE = 1n << FRACTION_BITS;
const TWO_64 = 18_446_744_073_709_551_616;

/** The natural logarithm of 2, in fixed point. */
const LN_2 = 18n * artanhOfInverse(26n) - 2n * artanhOfInverse(4801n) + 8n * artanhOfInverse(8749n);

/** ln(2) as the nearest double. */
export const LN2 = toDouble(LN_2);

/** ln(2)/256 as a sum: the high part has 42 fraction bits, so small multiples of it are exact. */
export const LN2_BY_256_HIGH = toDouble(((LN_2 / 256n) >> 86n) << 86n);
export const LN2_BY_256_LOW = toDouble(LN_2 / 256n - (((LN_2 / 256n) >> 86n) << 86n));

/** Entry i: ln(1 + (i + 1/2)/256), for i in [0, 256). */
export function logarithmTable(): Float64Array {
  const table = new Float64Array(256);
  // ln(513/512) = 2 artanh(1/1025), and so on from one odd number to the next.
  let sum = 2n * artanhOfInverse(1025n);
  for (let i = 0; i < 256; i++) {
    table[i] = toDouble(sum);
    sum += 2n * artanhOfInverse(514n + 2n * BigInt(i));
  }
  return table;
}

/** Entry i: 2^(i/256), for i in [0, 256). */
export function powerTable(): Float64Array {
  const table = new Float64Array(256);
  const step = exponential(LN_2 / 256n);
  let power = ONE;
  for (let i = 0; i < 256; i++) {
    table[i] = toDouble(power);
    power = (power * step) >> FRACTION_BITS;
  }
  return table;
}

/** artanh(1/n) in fixed point, by its series. */
function artanhOfInverse(n: bigint): bigint {
  let power = ONE / n;
  let sum = power;
  for (let k = 3n; power > 0n; k += 2n) {
    power /= n * n;
    sum += power / k;
  }
  return sum;
}

/** e^x in fixed point, for small x >= 0, by its series. */
function exponential(x: bigint): bigint {
  let term = ONE;
  let sum = ONE;
  for (let k = 1n; term > 0n; k += 1n) {
    term = ((term * x) >> FRACTION_BITS) / k;
    sum += term;
  }
  return sum;
}

/** Number() of a BigInt rounds to nearest, and division by a power of two is exact. */
function toDouble(fixed: bigint): number {
  return Number(fixed) / TWO_64 / TWO_64;
}
