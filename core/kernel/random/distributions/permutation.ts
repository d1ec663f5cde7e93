/**
 * Random orders. A small order is one number, drawn and logged at once (Lehmer's code); a long one
 * is a sequence of uniform draws, one an item (Durstenfeld, CACM 7(7), 1964).
 */
import { assert } from "../../assert.ts";

/** 18! is the last factorial below 2^53. */
export const LARGEST_PERMUTATION = 18;

/** size! for 0 <= size <= 18, exactly. */
export function factorial(size: number): number {
  assert(Number.isInteger(size) && size >= 0 && size <= LARGEST_PERMUTATION, "size of permutation");
  let product = 1;
  for (let i = 2; i <= size; i++) product *= i;
  return product;
}

/** The order with this number: each of 0 .. size-1 once. 0 <= number < size!; 0 is the identity. */
export function orderOf(number: number, size: number): number[] {
  assert(Number.isInteger(number) && number >= 0 && number < factorial(size), "number of order");
  const left = Array.from({ length: size }, (_, i) => i);
  const order: number[] = [];
  let rest = number;
  for (let remaining = size; remaining > 0; remaining--) {
    const block = factorial(remaining - 1);
    const place = Math.floor(rest / block);
    rest -= place * block;
    order.push(...left.splice(place, 1));
  }
  return order;
}

/** A shuffled copy; `pick(n)` must give a uniform integer below n, and is asked length-1 times. */
export function shuffled<T>(items: readonly T[], pick: (below: number) => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = pick(last + 1);
    const moved = result[last]!;
    result[last] = result[other]!;
    result[other] = moved;
  }
  return result;
}
