/** Probabilities of the standard normal distribution, for reports: relative error below 10^-10. */

const LOG2_SQRT_2PI = Math.log2(Math.sqrt(2 * Math.PI));

/** P(Z > z). */
export function upperTail(z: number): number {
  if (z === -Infinity) return 1;
  return z < 0 ? 1 - upperTail(-z) : complementaryError(z / Math.SQRT2) / 2;
}

/** -log2 P(low < Z < high), for low < high; exact enough far out in a tail as well. */
export function intervalBits(low: number, high: number): number {
  if (high - low < 0.05) {
    const middle = (low + high) / 2;
    return (middle * middle * Math.LOG2E) / 2 + LOG2_SQRT_2PI - Math.log2(high - low);
  }
  if (low < 0 && high > 0) return -Math.log2(1 - upperTail(high) - upperTail(-low));
  const probability =
    low >= 0 ? upperTail(low) - upperTail(high) : upperTail(-high) - upperTail(-low);
  return -Math.log2(probability);
}

/** erfc(x) for x >= 0 by a continued fraction far out, by the series of erf near 0. */
function complementaryError(x: number): number {
  if (x < 2) return 1 - errorSeries(x);
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}

function errorSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
