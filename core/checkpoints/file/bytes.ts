/** Reading and writing the bytes of a checkpoint file. What reads trusts nothing. */
import { type ContentRun, expandRuns, hash64, SECTOR_BYTES } from "../../kernel/index.ts";

/** Grows as it is written to. Numbers are little-endian or varints (7 bits a byte, low ones first). */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer, 0 up to 2^53 - 1. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  word64(value: bigint): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** All of it, filled up with zeros to whole sectors. */
  sectors(): Uint8Array {
    return padded(this.#bytes.subarray(0, this.#length));
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#length + extra, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Past the end, or after a number that is none, `failed` is set and everything reads as 0. */
export class ByteReader {
  failed = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#take(1) < 0 ? 0 : this.#bytes[this.#at - 1]!;
  }

  varint(): number {
    let value = 0;
    for (let place = 1; place < 2 ** 53; place *= 128) {
      const byte = this.byte();
      value += (byte & 127) * place;
      if (byte < 128) return Number.isSafeInteger(value) ? value : this.#fail();
    }
    return this.#fail();
  }

  word64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return at < 0 ? new Uint8Array(0) : this.#bytes.slice(at, at + length);
  }

  /** Only zeros follow, less than a sector of them. */
  atEnd(): boolean {
    const rest = this.#bytes.subarray(this.#at);
    return !this.failed && rest.length < SECTOR_BYTES && rest.every((byte) => byte === 0);
  }

  #take(length: number): number {
    if (this.failed || length > this.#bytes.length - this.#at) return this.#fail() - 1;
    this.#at += length;
    return this.#at - length;
  }

  #fail(): 0 {
    this.failed = true;
    return 0;
  }
}

export const sectorsOf = (bytes: number): number => Math.ceil(bytes / SECTOR_BYTES);

/** Filled up with zeros to whole sectors. */
export function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(sectorsOf(bytes.length) * SECTOR_BYTES);
  out.set(bytes);
  return out;
}

/** The bytes that runs stand for. */
export function bytesOf(runs: readonly ContentRun[]): Uint8Array {
  const sectors = runs.reduce((sum, run) => sum + run.sectors, 0);
  const out = new Uint8Array(sectors * SECTOR_BYTES);
  expandRuns(runs, out);
  return out;
}

/** Whole sectors of bytes as one run. */
export const bytesRun = (bytes: Uint8Array): ContentRun => ({
  kind: "bytes",
  sectors: bytes.length / SECTOR_BYTES,
  bytes,
});

export const checksum = (bytes: Uint8Array): bigint => hash64(bytes);
