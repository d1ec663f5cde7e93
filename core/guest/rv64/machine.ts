// A machine around an engine: registers by name, memory by address, loading, snapshots and the hash of its state. Its
// whole state is the hart blocks and RAM, so a snapshot is those bytes, and it can be restored into either engine.

import { assert, hash64 } from "../../kernel/index.ts";
import { PIN_INTERRUPTS } from "./architecture.ts";
import type { Elf, ElfProblem } from "./elf.ts";
import type { Engine } from "./engine.ts";
import * as layout from "./layout.ts";

/** A copy of what changed: all harts, and the pages of RAM written since the snapshot before. */
export interface MachineSnapshot {
  readonly harts: readonly Uint8Array[];
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

export class Machine {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  #word(hart: number, offset: number): bigint {
    return this.engine.word(hart, offset);
  }

  /** Integer register x0 to x31. */
  register(hart: number, number: number): bigint {
    assert(number >= 0 && number < 32, "x0 to x31");
    return this.#word(hart, layout.HART_X + number * 8);
  }

  setRegister(hart: number, number: number, value: bigint): void {
    assert(number >= 0 && number < 32, "x0 to x31");
    if (number !== 0)
      this.engine.setWord(hart, layout.HART_X + number * 8, BigInt.asUintN(64, value));
  }

  /** Floating-point register f0 to f31, as bits. */
  floatRegister(hart: number, number: number): bigint {
    assert(number >= 0 && number < 32, "f0 to f31");
    return this.#word(hart, layout.HART_F + number * 8);
  }

  programCounter(hart: number): bigint {
    return this.#word(hart, layout.HART_PC);
  }

  setProgramCounter(hart: number, value: bigint): void {
    this.engine.setWord(hart, layout.HART_PC, BigInt.asUintN(64, value & ~1n));
  }

  /** Instructions the hart has executed, those that trapped included. */
  progress(hart: number): bigint {
    return this.#word(hart, layout.HART_PROGRESS);
  }

  /** Instructions that retired. */
  retired(hart: number): bigint {
    return this.progress(hart) - this.#word(hart, layout.HART_TRAPPED);
  }

  /** Interrupt lines: MSIP 3, STIP 5, MTIP 7, SEIP 9, MEIP 11 as bits. Seen before the next instruction. */
  setPins(hart: number, pins: bigint): void {
    this.engine.setWord(hart, layout.HART_PINS, pins & BigInt(PIN_INTERRUPTS));
  }

  /** A copy of RAM at a physical address; null when any of it lies outside. */
  read(address: bigint, bytes: number): Uint8Array | null {
    const offset = this.#offset(address, bytes);
    return offset === null ? null : this.engine.ram.slice(offset, offset + bytes);
  }

  /** False when any of it lies outside RAM; then nothing is written. */
  write(address: bigint, bytes: Uint8Array): boolean {
    const offset = this.#offset(address, bytes.length);
    if (offset === null) return false;
    this.engine.writeRam(offset, bytes);
    return true;
  }

  #offset(address: bigint, bytes: number): number | null {
    const offset = address - BigInt(layout.RAM_BASE);
    const inside = offset >= 0n && offset + BigInt(bytes) <= BigInt(this.engine.ramBytes);
    return inside ? Number(offset) : null;
  }

  /** Puts an ELF's segments into RAM and points every hart at its entry; or says which segment does not fit. */
  loadElf(elf: Elf): ElfProblem | null {
    for (const { address, memoryBytes } of elf.segments) {
      if (this.#offset(address, memoryBytes) !== null) continue;
      const place = `0x${address.toString(16)}, ${memoryBytes} bytes`;
      return { code: "bad-elf", message: `a segment at ${place} lies outside RAM` };
    }
    for (const { address, bytes, memoryBytes } of elf.segments) {
      const image = new Uint8Array(memoryBytes);
      image.set(bytes);
      this.write(address, image);
    }
    for (let hart = 0; hart < this.engine.harts; hart++) this.setProgramCounter(hart, elf.entry);
    return null;
  }

  /** All harts, and every page written since the last snapshot; marks those pages clean. */
  takeSnapshot(): MachineSnapshot {
    const pages = new Map<number, Uint8Array>();
    for (const page of this.engine.dirtyPages()) {
      const start = page * layout.PAGE_BYTES;
      pages.set(page, this.engine.ram.slice(start, start + layout.PAGE_BYTES));
    }
    this.engine.clearDirty();
    return { harts: this.#harts(), pages };
  }

  /** Writes a snapshot back. RAM outside its pages must be as it was when the snapshot was taken. */
  restore(snapshot: MachineSnapshot): void {
    assert(snapshot.harts.length === this.engine.harts, "as many harts as were saved");
    for (const [page, bytes] of snapshot.pages)
      this.engine.writeRam(page * layout.PAGE_BYTES, bytes);
    snapshot.harts.forEach((block, hart) => this.engine.writeHart(hart, block));
  }

  #harts(): Uint8Array[] {
    return Array.from({ length: this.engine.harts }, (_, hart) => this.engine.readHart(hart));
  }

  /** xxhash64 over harts, then RAM: equal for equal states, whichever engine holds them. */
  stateHash(): bigint {
    const harts = this.#harts().reduce((seed, block) => hash64(block, seed), 0n);
    return hash64(this.engine.ram, harts);
  }
}
