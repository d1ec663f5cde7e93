// A growing byte buffer with the few encodings that columns use: bytes, varints, and blocks that
// are compressed when that makes them shorter. Typed by byte-writer.d.mts.
import { brotliCompressSync, constants } from "node:zlib";
import { codecs } from "./layout.mjs";

/** Below this, brotli's own frame costs more than it saves. */
const smallestCompressed = 48;
const outputStep = 4 * 1024 * 1024;

/** Brotli of `bytes`, or undefined when that is no shorter. */
export function compressed(bytes, quality) {
  if (bytes.length < smallestCompressed) return undefined;
  const packed = brotliCompressSync(bytes, {
    chunkSize: Math.min(bytes.length + 1024, outputStep),
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  return packed.length < bytes.length ? packed : undefined;
}

export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  #reserve(count) {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  byte(value) {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A non-negative integer below 2^53, 7 bits a byte, low bits first. */
  varint(value) {
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(bytes) {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Codec byte, raw length, stored length when compressed, bytes. */
  block(bytes) {
    const packed = compressed(bytes, 1);
    this.byte(packed === undefined ? codecs.raw : codecs.brotli);
    this.varint(bytes.length);
    if (packed !== undefined) this.varint(packed.length);
    this.bytes(packed ?? bytes);
  }

  /** What was written. A view: the writer must not be used afterwards. */
  done() {
    return this.#bytes.subarray(0, this.#length);
  }
}
