/**
 * What a sampler needs of a source of random words. Streams implement it; so may a source that
 * takes its words from the operating system, or a test that counts or scripts them.
 */

export interface RandomSource {
  /** The next 32 uniform bits, as an integer in [0, 2^32). */
  nextUint32(): number;
}
