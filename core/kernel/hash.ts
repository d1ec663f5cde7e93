/**
 * The one hash of the simulated world: xxhash64 over bytes, by WebAssembly.
 *
 * What must hold: a pure function of bytes and seed, equal on every engine. The module is compiled
 * once, at import; its memory is scratch and carries nothing from one call to the next.
 */
import xxhash from "xxhash-wasm";

export { StreamHash64 } from "./stream-hash.ts";

const wasm = await xxhash();

/** xxhash64 of `bytes`, 0 <= result < 2^64. `seed` is taken modulo 2^64. */
export function hash64(bytes: Uint8Array, seed: bigint = 0n): bigint {
  return wasm.h64Raw(bytes, seed);
}

/** A hash as people and files see it: 16 lower-case hexadecimal digits. */
export function hashHex(hash: bigint): string {
  return hash.toString(16).padStart(16, "0");
}
