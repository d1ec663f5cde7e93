/**
 * Integers below 2^53 as LEB128 (7 bits a byte, low first), and bytes between them. The reader
 * checks every length: it throws where the input ends early or a number leaves the safe integers.
 */
import { assert } from "../assert.ts";

export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A safe integer, 0 or more. */
  number(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, () => `not a length: ${value}`);
    this.#ensure(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A safe integer of either sign: its sign in a byte of its own where 2^52 is passed. */
  signed(value: number): void {
    assert(Number.isSafeInteger(value), () => `not a safe integer: ${value}`);
    const magnitude = Math.abs(value);
    this.#ensure(9);
    this.#bytes[this.#length++] = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    const rest = Math.floor(magnitude / 64);
    this.#bytes[this.#length - 1]! |= rest > 0 ? 128 : 0;
    if (rest > 0) this.number(rest);
  }

  /** The next `length` bytes, for the caller to fill before anything else is written. */
  reserve(length: number): Uint8Array {
    this.#ensure(length);
    this.#length += length;
    return this.#bytes.subarray(this.#length - length, this.#length);
  }

  /** Everything written, as a copy; the writer starts anew. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #ensure(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** `what` names the input in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    return this.#number(0, 1);
  }

  signed(): number {
    const first = this.#byte();
    const magnitude = this.#number(Math.floor((first & 127) / 2), first < 128 ? 0 : 64);
    return (first & 1) === 1 ? -magnitude : magnitude;
  }

  bytes(length: number): Uint8Array {
    assert(length <= this.#bytes.length - this.#at, () => `${this.#what} ends early`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** `start` plus `scale` times the number that follows; nothing follows where `scale` is 0. */
  #number(start: number, scale: number): number {
    let value = start;
    for (let unit = scale; unit > 0; unit *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * unit;
      assert(Number.isSafeInteger(value), () => `${this.#what} holds a number too large`);
      if (byte < 128) break;
      assert(unit < 2 ** 53, () => `${this.#what} holds a number too long`);
    }
    return value;
  }

  #byte(): number {
    assert(!this.done, () => `${this.#what} ends early`);
    return this.#bytes[this.#at++]!;
  }
}
