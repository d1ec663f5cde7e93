// Stored bytes to raw bytes, never more than was announced and allowed: a decompression bomb stops
// at its announced length, and a lie about that length is damage.
import { brotliDecompressSync } from "node:zlib";
import { codecs } from "./layout.mjs";

/** Undefined when the bytes are not exactly `rawLength` bytes under that codec. */
export function inflate(
  codecByte: number,
  stored: Uint8Array,
  rawLength: number,
): Uint8Array | undefined {
  if (codecByte === codecs.raw) return stored.length === rawLength ? stored : undefined;
  if (codecByte !== codecs.brotli || rawLength === 0) return undefined;
  try {
    const raw = brotliDecompressSync(stored, {
      maxOutputLength: rawLength,
      chunkSize: Math.min(Math.max(rawLength, 64), 1024 * 1024),
    });
    if (raw.length !== rawLength) return undefined;
    return new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
  } catch {
    // zlib's errors name its own states; for the reader every one of them means "damaged".
    return undefined;
  }
}
