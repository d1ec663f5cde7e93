/** The refcounts of a qcow2 image: how often each cluster of the file is referred to. */
import { damaged } from "./image-problem.ts";
import type { ImageView } from "./image-view.ts";

const BLOCK_MASK = 0xffff_ffff_ffff_fe00n;

export class Qcow2Refcounts {
  readonly #view: ImageView;
  readonly #table: number;
  readonly #tableEntries: number;
  readonly #bits: number;
  readonly #perBlock: number;

  constructor(view: ImageView, version: number, clusterBytes: number) {
    const what = "the refcount table";
    const order = version === 3 ? view.u32be(96, "the header") : 4;
    if (order > 6) throw damaged(view.file, `refcounts of 2^${order} bits`);
    this.#view = view;
    this.#bits = 2 ** order;
    this.#perBlock = (clusterBytes * 8) / this.#bits;
    this.#table = view.place(view.u64be(48, "the header"), what);
    const clusters = view.u32be(56, "the header");
    this.#tableEntries = (clusters * clusterBytes) / 8;
    view.span(this.#table, clusters * clusterBytes, what);
  }

  /** References to a cluster; 0: it is free. */
  of(cluster: number): number {
    const block = Math.floor(cluster / this.#perBlock);
    if (block >= this.#tableEntries) return 0;
    const view = this.#view;
    const at = view.u64be(this.#table + 8 * block, "the refcount table") & BLOCK_MASK;
    if (at === 0n) return 0;
    const start = view.place(at, "a refcount block");
    const bit = (cluster % this.#perBlock) * this.#bits;
    const first = start + Math.floor(bit / 8);
    if (this.#bits < 8) {
      const byte = view.span(first, 1, "a refcount block")[0]!;
      return (byte >> (bit % 8)) & (2 ** this.#bits - 1);
    }
    let count = 0;
    for (const byte of view.span(first, this.#bits / 8, "a refcount block")) {
      count = count * 256 + byte;
    }
    return count;
  }
}
