// Reads what byte-writer.mjs wrote, from bytes that may be hostile: every step is bounds-checked
// and everything allocated is paid from a budget. Throws `DamagedBytes`, which only the decoders of
// this folder catch; no other error can come out of it.
import { inflate } from "./inflate.ts";

export class DamagedBytes extends Error {}

export function require(holds: boolean, message: string): asserts holds {
  if (!holds) throw new DamagedBytes(message);
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #budget: number;

  /** `budget`: bytes that may be allocated in all. */
  constructor(bytes: Uint8Array, budget: number) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** To be called before allocating. */
  spend(bytes: number): void {
    this.#budget -= bytes;
    require(this.#budget >= 0, "columns larger than any writer makes");
  }

  byte(): number {
    require(this.#at < this.#bytes.length, "cut short");
    return this.#bytes[this.#at++]!;
  }

  varint(most = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 8; index++) {
      const byte = this.byte();
      value += (byte % 128) * scale;
      if (byte < 128) {
        require(value <= most, `a number above ${most}`);
        return value;
      }
      scale *= 128;
    }
    throw new DamagedBytes("a number without an end");
  }

  /** A view of the next bytes. */
  bytes(length: number): Uint8Array {
    require(length <= this.remaining, "cut short");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A block of at most `most` raw bytes. May be a view. */
  block(most: number): Uint8Array {
    const codec = this.byte();
    const rawLength = this.varint(most);
    const stored = this.bytes(codec === 0 ? rawLength : this.varint());
    this.spend(rawLength);
    const raw = inflate(codec, stored, rawLength);
    require(raw !== undefined, "a block that does not unpack");
    return raw;
  }
}
