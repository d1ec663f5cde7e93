/** The bytes of an image file, read with bounds: nothing in a file is believed before it is checked. */
import { damaged } from "./image-problem.ts";

export class ImageView {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(file: string, bytes: Uint8Array) {
    this.file = file;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** A span of the file, not copied; `what` names it when it is not there. */
  span(at: number, length: number, what: string): Uint8Array {
    this.#check(at, length, what);
    return this.bytes.subarray(at, at + length);
  }

  /** The same, with zeros for what lies past the end of the file; it begins inside. */
  spanPadded(at: number, length: number, what: string): Uint8Array {
    if (at + length <= this.size) return this.span(at, length, what);
    this.#check(at, 1, what);
    const padded = new Uint8Array(length);
    padded.set(this.bytes.subarray(at));
    return padded;
  }

  u16be(at: number, what: string): number {
    this.#check(at, 2, what);
    return this.#view.getUint16(at);
  }

  u32be(at: number, what: string): number {
    this.#check(at, 4, what);
    return this.#view.getUint32(at);
  }

  u64be(at: number, what: string): bigint {
    this.#check(at, 8, what);
    return this.#view.getBigUint64(at);
  }

  u32le(at: number, what: string): number {
    this.#check(at, 4, what);
    return this.#view.getUint32(at, true);
  }

  u64le(at: number, what: string): bigint {
    this.#check(at, 8, what);
    return this.#view.getBigUint64(at, true);
  }

  /** A 64-bit number that has to be small enough to count with. */
  count(value: bigint, limit: number, what: string): number {
    if (value > BigInt(limit)) throw damaged(this.file, `${what} is ${value}`);
    return Number(value);
  }

  /** A 64-bit place in the file. */
  place(value: bigint, what: string): number {
    if (value >= BigInt(this.size))
      throw damaged(this.file, `${what} lies past the end of the file`);
    return Number(value);
  }

  text(at: number, length: number, what: string): string {
    return new TextDecoder().decode(this.span(at, length, what));
  }

  #check(at: number, length: number, what: string): void {
    if (at >= 0 && length >= 0 && at + length <= this.size) return;
    throw damaged(this.file, `${what} lies past the end of the file`);
  }
}
