/**
 * xxhash64 over bytes that arrive in pieces, with a state that can be saved and taken up again.
 *
 * What must hold: after any sequence of updates `digest()` is `hash64` of the concatenation, however
 * it was cut and however often it was saved and loaded in between. The WebAssembly module keeps its
 * state to itself, so this is the algorithm (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) on
 * pairs of 32-bit words.
 */
import { assert } from "./assert.ts";

const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;
const MASK = 0xffff_ffff_ffff_ffffn;

const STRIPE_BYTES = 32;
/** Four lanes, one stripe of held-back input, the length, the seed: 8 bytes each where a number. */
const SAVED_BYTES = 4 * 8 + STRIPE_BYTES + 8 + 8;

const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & MASK;
const round = (lane: bigint, input: bigint): bigint =>
  (rotate((lane + input * PRIME_2) & MASK, 31n) * PRIME_1) & MASK;
const mergeRound = (hash: bigint, lane: bigint): bigint =>
  ((hash ^ round(0n, lane)) * PRIME_1 + PRIME_4) & MASK;

/** High word of the product of two unsigned 32-bit words. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + (Math.imul(aLow, bLow) >>> 16);
  const cross = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) | 0;
}

const P1_LOW = Number(PRIME_1 & 0xffff_ffffn) | 0;
const P1_HIGH = Number(PRIME_1 >> 32n) | 0;
const P2_LOW = Number(PRIME_2 & 0xffff_ffffn) | 0;
const P2_HIGH = Number(PRIME_2 >> 32n) | 0;

/** A running xxhash64. Plain to keep in a store: `save()` is its whole state. */
export class StreamHash64 {
  readonly #lanes = new Int32Array(8);
  readonly #held = new Uint8Array(STRIPE_BYTES);
  readonly #heldView = new DataView(this.#held.buffer);
  #length = 0;
  #seed: bigint;

  /** `seed` is taken modulo 2^64. */
  constructor(seed: bigint = 0n) {
    this.#seed = BigInt.asUintN(64, seed);
    const s = this.#seed;
    [s + PRIME_1 + PRIME_2, s + PRIME_2, s, s - PRIME_1].forEach((lane, index) => {
      this.#lanes[2 * index] = Number(lane & 0xffff_ffffn) | 0;
      this.#lanes[2 * index + 1] = Number((lane >> 32n) & 0xffff_ffffn) | 0;
    });
  }

  /** Bytes taken in so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends `bytes`. */
  update(bytes: Uint8Array): this {
    let at = 0;
    const held = this.#length % STRIPE_BYTES;
    this.#length += bytes.length;
    assert(this.#length <= Number.MAX_SAFE_INTEGER, "stream length left the safe integers");
    if (held > 0) {
      at = Math.min(STRIPE_BYTES - held, bytes.length);
      this.#held.set(bytes.subarray(0, at), held);
      if (held + at < STRIPE_BYTES) return this;
      this.#stripe(this.#heldView, 0);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + STRIPE_BYTES <= bytes.length; at += STRIPE_BYTES) this.#stripe(view, at);
    this.#held.set(bytes.subarray(at), 0);
    return this;
  }

  /** xxhash64 of everything taken in so far; the stream can go on afterwards. */
  digest(): bigint {
    let hash = (this.#seed + PRIME_5) & MASK;
    if (this.#length >= STRIPE_BYTES) {
      const lanes = [0, 1, 2, 3].map((index) => this.#lane(index));
      const [a, b, c, d] = lanes as [bigint, bigint, bigint, bigint];
      hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK;
      for (const lane of lanes) hash = mergeRound(hash, lane);
    }
    hash = (hash + BigInt(this.#length)) & MASK;
    const held = this.#length % STRIPE_BYTES;
    let at = 0;
    for (; at + 8 <= held; at += 8) {
      hash ^= round(0n, this.#heldView.getBigUint64(at, true));
      hash = (rotate(hash, 27n) * PRIME_1 + PRIME_4) & MASK;
    }
    for (; at + 4 <= held; at += 4) {
      hash ^= (BigInt(this.#heldView.getUint32(at, true)) * PRIME_1) & MASK;
      hash = (rotate(hash, 23n) * PRIME_2 + PRIME_3) & MASK;
    }
    for (; at < held; at++) {
      hash ^= (BigInt(this.#held[at]!) * PRIME_5) & MASK;
      hash = (rotate(hash, 11n) * PRIME_1) & MASK;
    }
    hash = ((hash ^ (hash >> 33n)) * PRIME_2) & MASK;
    hash = ((hash ^ (hash >> 29n)) * PRIME_3) & MASK;
    return hash ^ (hash >> 32n);
  }

  /** The whole state, 80 bytes; equal inputs give equal bytes however they were cut. */
  save(): Uint8Array {
    const saved = new Uint8Array(SAVED_BYTES);
    const view = new DataView(saved.buffer);
    this.#lanes.forEach((word, index) => view.setInt32(4 * index, word, true));
    saved.set(this.#held.subarray(0, this.#length % STRIPE_BYTES), 32);
    view.setBigUint64(64, BigInt(this.#length), true);
    view.setBigUint64(72, this.#seed, true);
    return saved;
  }

  /** Takes up a saved state; `undefined` if `saved` cannot be one (damaged trace). */
  static load(saved: Uint8Array): StreamHash64 | undefined {
    if (saved.length !== SAVED_BYTES) return undefined;
    const view = new DataView(saved.buffer, saved.byteOffset, saved.byteLength);
    const length = view.getBigUint64(64, true);
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    const stream = new StreamHash64(view.getBigUint64(72, true));
    stream.#length = Number(length);
    for (let index = 0; index < 8; index++) stream.#lanes[index] = view.getInt32(4 * index, true);
    stream.#held.set(saved.subarray(32, 64));
    return stream;
  }

  #lane(index: number): bigint {
    const low = BigInt(this.#lanes[2 * index]! >>> 0);
    return low | (BigInt(this.#lanes[2 * index + 1]! >>> 0) << 32n);
  }

  /** One stripe: lane = rotl(lane + input * PRIME_2, 31) * PRIME_1, on four lanes. */
  #stripe(view: DataView, at: number): void {
    const lanes = this.#lanes;
    for (let lane = 0; lane < 8; lane += 2) {
      const inLow = view.getInt32(at + 4 * lane, true);
      const inHigh = view.getInt32(at + 4 * lane + 4, true);
      const productLow = Math.imul(inLow, P2_LOW);
      const productHigh =
        (mulHigh(inLow, P2_LOW) + Math.imul(inLow, P2_HIGH) + Math.imul(inHigh, P2_LOW)) | 0;
      const sum = (lanes[lane]! >>> 0) + (productLow >>> 0);
      const low = sum | 0;
      const high = (lanes[lane + 1]! + productHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
      const turnedLow = (low << 31) | (high >>> 1);
      const turnedHigh = (high << 31) | (low >>> 1);
      lanes[lane] = Math.imul(turnedLow, P1_LOW);
      lanes[lane + 1] =
        (mulHigh(turnedLow, P1_LOW) +
          Math.imul(turnedLow, P1_HIGH) +
          Math.imul(turnedHigh, P1_LOW)) |
        0;
    }
  }
}
