// Physical memory of the reference engine: RAM and the pages of it that were written. Addresses outside RAM belong to
// devices and never come here.

import { PAGE_BYTES, RAM_BASE } from "../layout.ts";

const BASE = BigInt(RAM_BASE);

/** Thrown before an access that the host wants to see; nothing has been changed. */
export class TracedAccess extends Error {
  readonly page: number;
  readonly writes: boolean;
  constructor(page: number, writes: boolean) {
    super("access to a traced page");
    this.page = page;
    this.writes = writes;
  }
}

export class PhysicalMemory {
  readonly bytes: Uint8Array;
  /** One byte a page, 1 when the page was written since it was last cleared. */
  readonly dirty: Uint8Array;
  readonly view: DataView;
  /** Which accesses to a page the host wants to see first: 0 none, 1 stores, 2 all. */
  readonly traces: Uint8Array;

  constructor(ramBytes: number) {
    this.bytes = new Uint8Array(ramBytes);
    this.dirty = new Uint8Array(ramBytes / PAGE_BYTES);
    this.traces = new Uint8Array(ramBytes / PAGE_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Throws when the host wants to see an access to this place of RAM first. */
  seen(address: bigint, writes: boolean): void {
    const page = Math.floor(Number(address - BASE) / PAGE_BYTES);
    if (this.traces[page]! >= (writes ? 1 : 2)) throw new TracedAccess(page, writes);
  }

  isRam(address: bigint, size: number): boolean {
    return address >= BASE && address + BigInt(size) <= BASE + BigInt(this.bytes.length);
  }

  /** Little-endian value of 1, 2, 4 or 8 bytes; `address` may be unaligned. */
  read(address: bigint, size: number): bigint {
    const offset = Number(address - BASE);
    if (size === 8) return this.view.getBigUint64(offset, true);
    if (size === 4) return BigInt(this.view.getUint32(offset, true));
    if (size === 2) return BigInt(this.view.getUint16(offset, true));
    return BigInt(this.view.getUint8(offset));
  }

  write(address: bigint, size: number, value: bigint): void {
    const offset = Number(address - BASE);
    if (size === 8) this.view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else if (size === 4) this.view.setUint32(offset, Number(value & 0xffffffffn), true);
    else if (size === 2) this.view.setUint16(offset, Number(value & 0xffffn), true);
    else this.view.setUint8(offset, Number(value & 0xffn));
    this.dirty[Math.floor(offset / PAGE_BYTES)] = 1;
    this.dirty[Math.floor((offset + size - 1) / PAGE_BYTES)] = 1;
  }
}
