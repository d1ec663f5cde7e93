/**
 * One random stream: seedrandom's xor128 (Marsaglia, "Xorshift RNGs", JSS 8(14), 2003) started from
 * a saved state. The position of a stream is its four state words, so it is saved, hashed and forked
 * as plain data. The package's own object does every step: what replaces it replaces our numbers.
 */
import xor128 from "seedrandom/lib/xor128.js";
import { assert } from "../assert.ts";
import type { RandomSource } from "./random-source.ts";
import type { StreamState } from "./stream-seed.ts";

export type { StreamState };

const TWO_26 = 67_108_864;
const TWO_53 = 9_007_199_254_740_992;

export class StreamGenerator implements RandomSource {
  #xor128: ReturnType<typeof xor128>;

  constructor(state: StreamState) {
    this.#xor128 = startFrom(state);
  }

  /** The next 32 uniform bits, as an integer in [0, 2^32). */
  nextUint32(): number {
    return this.#xor128.int32() >>> 0;
  }

  /** Uniform in [0, 1), a multiple of 2^-53; takes two words. */
  double53(): number {
    const high = this.#xor128.int32() >>> 5;
    const low = this.#xor128.int32() >>> 6;
    return (high * TWO_26 + low) / TWO_53;
  }

  /** The position: as plain data, four integers in [0, 2^32). */
  save(): StreamState {
    const { x, y, z, w } = this.#xor128.state();
    return [x >>> 0, y >>> 0, z >>> 0, w >>> 0];
  }

  /** Continues from a saved position. */
  load(state: StreamState): void {
    this.#xor128 = startFrom(state);
  }
}

/** The seed number is overwritten by the state; it is given to keep seedrandom from mixing text. */
function startFrom(state: StreamState): ReturnType<typeof xor128> {
  const [x, y, z, w] = state;
  assert((x | y | z | w) !== 0, "xor128 cannot leave the all-zero state");
  return xor128(0, { state: { x, y, z, w } });
}
