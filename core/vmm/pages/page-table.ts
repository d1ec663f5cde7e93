/**
 * The page table of a modelled guest: which page of its memory lies behind a virtual one. The first
 * pages of memory hold the table, 512 entries each; of the others a share is scattered over memory, as
 * in a guest that has run for long, and the rest lies in order.
 *
 * Must hold: each virtual page has one physical page and no two have the same; `virtualOf` undoes
 * `physicalOf`. It is a function of the machine and of the share: nothing is kept.
 */
const ENTRIES = 512;
const ROUNDS = 4;

export class ModelledPageTable {
  /** Virtual pages. */
  readonly pages: number;
  readonly tablePages: number;
  readonly #percent: number;
  readonly #seed: number;
  /** Values of half a page number: a power of 2. */
  readonly #size: number;

  /** `memoryPages`: 2 or more; `number`: the memory's, see memory-state.ts. */
  constructor(memoryPages: number, number: number, fragmentationPercent: number) {
    this.tablePages = Math.ceil(memoryPages / ENTRIES);
    this.pages = memoryPages - this.tablePages;
    this.#percent = fragmentationPercent;
    this.#seed = Math.imul(number + 1, 0x9e37_79b1);
    let size = 2;
    while (size * size < this.pages) size *= 2;
    this.#size = size;
  }

  /** Page of memory that has the entry of a virtual page. */
  tableOf(virtual: number): number {
    return Math.floor(virtual / ENTRIES);
  }

  physicalOf(virtual: number): number {
    return this.tablePages + this.#walk(virtual, (each) => this.#permuted(each));
  }

  /** -1: it holds entries, and lies behind no virtual page. */
  virtualOf(physical: number): number {
    if (physical < this.tablePages) return -1;
    return this.#walk(physical - this.tablePages, (each) => this.#unpermuted(each));
  }

  /** Among what is scattered, the next one that the permutation comes to: again a permutation. */
  #walk(page: number, step: (page: number) => number): number {
    if (!this.#isScattered(page)) return page;
    let at = step(page);
    while (at >= this.pages || !this.#isScattered(at)) at = step(at);
    return at;
  }

  #isScattered(page: number): boolean {
    return mixed(page ^ this.#seed) % 100 < this.#percent;
  }

  /** Feistel's network. */
  #permuted(page: number): number {
    const size = this.#size;
    let left = Math.floor(page / size);
    let right = page % size;
    for (let round = 0; round < ROUNDS; round++) {
      const next = left ^ (this.#mask(round, right) % size);
      left = right;
      right = next;
    }
    return left * size + right;
  }

  #unpermuted(page: number): number {
    const size = this.#size;
    let left = Math.floor(page / size);
    let right = page % size;
    for (let round = ROUNDS - 1; round >= 0; round--) {
      const next = right ^ (this.#mask(round, left) % size);
      right = left;
      left = next;
    }
    return left * size + right;
  }

  #mask(round: number, half: number): number {
    return mixed(half ^ this.#seed ^ Math.imul(round + 1, 0x85eb_ca6b));
  }
}

/** The finaliser of MurmurHash3. */
function mixed(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
