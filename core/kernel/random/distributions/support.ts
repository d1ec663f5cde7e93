/**
 * Which results a distribution can have at all: what a person, fast-check or an explorer may choose
 * instead of a sample, and what a logged result is held against.
 */
import { assert, unreachable } from "../../assert.ts";
import type { Distribution, Choice } from "./description.ts";
import { factorial } from "./permutation.ts";

/** The least and the greatest result; between them a `choice` can have gaps. */
export interface Support {
  readonly low: number;
  readonly high: number;
}

const MAX = Number.MAX_SAFE_INTEGER;

export function supportOf(dist: Distribution): Support {
  switch (dist.kind) {
    case "uniform":
      return { low: 0, high: dist.below - 1 };
    case "range":
      return { low: dist.low, high: dist.high };
    case "bernoulli":
      return {
        low: dist.numerator === dist.denominator ? 1 : 0,
        high: dist.numerator === 0 ? 0 : 1,
      };
    case "exponential":
      return { low: 0, high: dist.mean === 0 ? 0 : MAX };
    case "normal":
      return { low: dist.truncated === true ? 0 : -MAX, high: MAX };
    case "zipf":
      return { low: 0, high: dist.size - 1 };
    case "empirical":
      return {
        low: dist.quantiles[0]!.value,
        high: dist.quantiles[dist.quantiles.length - 1]!.value,
      };
    case "latency":
      return { low: 0, high: MAX };
    case "choice":
      return choiceSupport(dist);
    case "permutation":
      return { low: 0, high: factorial(dist.size) - 1 };
    case "constant":
      return { low: dist.value, high: dist.value };
    default:
      return unreachable(dist);
  }
}

/** Whether a sample of `dist` could be `result`. */
export function isPossible(dist: Distribution, result: number): boolean {
  const { low, high } = supportOf(dist);
  if (!Number.isSafeInteger(result) || result < low || result > high) return false;
  return dist.kind !== "choice" || dist.weights[result]! > 0;
}

function choiceSupport(dist: Choice): Support {
  const low = dist.weights.findIndex((weight) => weight > 0);
  const high = dist.weights.findLastIndex((weight) => weight > 0);
  assert(low >= 0, "a choice needs a weight above 0");
  return { low, high };
}
