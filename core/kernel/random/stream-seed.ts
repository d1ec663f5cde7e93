/**
 * Names of streams to their first states. A stream is named (seed, entity, purpose) and starts from
 * 128 bits of xxhash64 over the canonical bytes of that triple: tagged and length-prefixed, so no
 * two triples give the same bytes, and the number 7 and the string "7" are different seeds.
 *
 * Why a hash and not seedrandom's own seeding: xor128 is linear, and so is its mixing of a seed
 * string. Two similar names would give streams whose XOR is the same under every seed, and two
 * hosts would then fail together always, or never.
 */
import { assert } from "../assert.ts";
import { CanonicalWriter } from "../canonical.ts";
import { hash64 } from "../hash.ts";

/** State words x, y, z, w of xor128, each an integer in [0, 2^32); never all zero. */
export type StreamState = readonly [x: number, y: number, z: number, w: number];

/** The seed of a scenario: a non-negative safe integer, or any string. */
export type ScenarioSeed = number | string;

/** Two unrelated hash seeds (digits of pi and of e): each gives 64 of the 128 bits. */
const FIRST_HASH_SEED = 0x243f6a8885a308d3n;
const SECOND_HASH_SEED = 0xb7e151628aed2a6an;

/** Gives the first state of any stream under one scenario seed. Holds a buffer, and no state. */
export class StreamSeeder {
  readonly #seed: ScenarioSeed;
  readonly #writer = new CanonicalWriter();

  constructor(seed: ScenarioSeed) {
    assert(isScenarioSeed(seed), () => `not a scenario seed: ${String(seed)}`);
    this.#seed = seed;
  }

  stateOf(entity: string, purpose: string): StreamState {
    this.#writer.reset();
    this.#writer.value([this.#seed, entity, purpose]);
    const bytes = this.#writer.bytes();
    const first = hash64(bytes, FIRST_HASH_SEED);
    const second = hash64(bytes, SECOND_HASH_SEED);
    return withoutAllZero([low32(first), high32(first), low32(second), high32(second)]);
  }
}

/** The first state of one stream; {@link StreamSeeder} is faster for many. */
export function streamSeed(seed: ScenarioSeed, entity: string, purpose: string): StreamState {
  return new StreamSeeder(seed).stateOf(entity, purpose);
}

export function isScenarioSeed(value: unknown): value is ScenarioSeed {
  return typeof value === "string" || (Number.isSafeInteger(value) && (value as number) >= 0);
}

/** From the all-zero state xor128 returns zeros for ever. */
export function withoutAllZero(state: StreamState): StreamState {
  const allZero = (state[0] | state[1] | state[2] | state[3]) === 0;
  return allZero ? [0x9e3779b9, 0x7f4a7c15, 0xf39cc060, 0x5cedc834] : state;
}

function low32(hash: bigint): number {
  return Number(hash & 0xffffffffn);
}

function high32(hash: bigint): number {
  return Number(hash >> 32n);
}
