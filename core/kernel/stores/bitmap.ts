/** Bits over the words of a number array: which pages are dirty, traced, private. */
import { assert } from "../assert.ts";
import type { NumberArray } from "./number-array.ts";

const ALL = 0xffff_ffff;

/** Words that a bitmap of so many bits needs. */
export const bitmapWords = (bits: number): number => Math.ceil(bits / 32);

export class Bitmap {
  readonly bits: number;
  readonly words: NumberArray;

  constructor(words: NumberArray, bits: number) {
    assert(words.kind === "u32" && words.length === bitmapWords(bits), "words for the bits");
    this.words = words;
    this.bits = bits;
  }

  has(bit: number): boolean {
    return ((this.words.get(bit >>> 5) >>> (bit & 31)) & 1) === 1;
  }

  /** False when it was set before. */
  add(bit: number): boolean {
    const word = this.words.get(bit >>> 5);
    const changed = (word | (1 << (bit & 31))) >>> 0;
    if (changed === word) return false;
    this.words.set(bit >>> 5, changed);
    return true;
  }

  /** False when it was not set. */
  delete(bit: number): boolean {
    const word = this.words.get(bit >>> 5);
    const changed = (word & ~(1 << (bit & 31))) >>> 0;
    if (changed === word) return false;
    this.words.set(bit >>> 5, changed);
    return true;
  }

  clear(): void {
    this.words.fill(0, this.words.length, 0);
  }

  /** Sets `count` bits from `from` on. */
  addRange(from: number, count: number): void {
    const end = from + count;
    assert(from >= 0 && end <= this.bits, "a range of the bitmap");
    let bit = from;
    while (bit < end && (bit & 31) !== 0) this.add(bit++);
    const whole = (end - bit) >>> 5;
    if (whole > 0) this.words.fill(bit >>> 5, whole, ALL);
    for (bit += whole << 5; bit < end; bit++) this.add(bit);
  }

  /** Sets every bit that is set in the other. */
  addAll(other: Bitmap): void {
    for (let at = other.words.nextNonZero(0); at >= 0; at = other.words.nextNonZero(at + 1)) {
      this.words.set(at, (this.words.get(at) | other.words.get(at)) >>> 0);
    }
  }

  /** Becomes equal to the other. */
  become(other: Bitmap): void {
    this.words.restore(other.words.capture());
  }

  count(): number {
    let sum = 0;
    for (let at = this.words.nextNonZero(0); at >= 0; at = this.words.nextNonZero(at + 1)) {
      sum += ones(this.words.get(at));
    }
    return sum;
  }

  /** First set bit from `from` on, below `end`; -1: none. */
  next(from: number, end: number = this.bits): number {
    const found = from >= end ? -1 : this.#look(from, end);
    return found < end ? found : -1;
  }

  #look(from: number, end: number): number {
    const at = from >>> 5;
    const rest = this.words.get(at) & (ALL << (from & 31));
    if (rest !== 0) return (at << 5) + lowest(rest);
    const found = this.words.nextNonZero(at + 1, bitmapWords(end));
    return found < 0 ? -1 : (found << 5) + lowest(this.words.get(found));
  }
}

const lowest = (word: number): number => 31 - Math.clz32(word & -word);

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
