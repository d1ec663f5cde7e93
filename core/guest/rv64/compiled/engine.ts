// The compiled engine behind the interface of engine.ts: the AssemblyScript core, one linear memory per machine. The
// bytes of the module come from outside (they are built, not kept; see assembly/build.ts).

import { assert } from "../../../kernel/index.ts";
import type { Engine, EngineOptions, PageTrace, RunResult, Stop, Watch } from "../engine.ts";
import { initialHart } from "../initial-state.ts";
import * as layout from "../layout.ts";
import { isPlainWord } from "../plain-words.ts";
import { type CoreExports, INITIAL_MEMORY_PAGES, MAXIMUM_MEMORY_PAGES } from "./exports.ts";
import { wasm, type WasmMemory } from "./wasm.ts";

/** Decoded pages kept at most: 64 MiB of them. */
export const DEFAULT_CODE_PAGES = 4064;

const TRACES = layout.PAGE_STORE_TRACED | layout.PAGE_TRACED;
const NO_RESERVATION = (1n << 64n) - 1n;
/** One call of the core runs at most this many instructions: it counts in 32 bits. */
const LONGEST_RUN = 0x7fff_ffff;

export interface CompiledOptions extends EngineOptions {
  /** The built module, rv64.wasm. */
  readonly module: Uint8Array;
  /** Pages of decoded code to keep, 16 KiB each. */
  readonly codePages?: number;
}

export class CompiledEngine implements Engine {
  readonly kind = "compiled";
  readonly ramBytes: number;
  readonly harts: number;
  onHostAccess: Engine["onHostAccess"] = null;
  hostMayWait = false;
  hostUndo: Engine["hostUndo"] = null;
  readonly ram: Uint8Array;
  readonly #core: CoreExports;
  readonly #memory: WasmMemory;
  readonly #flags: Uint8Array;
  /** Views of the hart blocks: the memory never grows once the machine is laid out. */
  readonly #blocks: readonly DataView[];

  constructor(options: CompiledOptions) {
    assert(options.ramBytes % layout.PAGE_BYTES === 0, "RAM is whole pages");
    assert(options.harts >= 1 && options.harts <= layout.MAX_HARTS, "1 to 8 harts");
    this.ramBytes = options.ramBytes;
    this.harts = options.harts;
    this.#memory = new wasm.Memory({
      initial: INITIAL_MEMORY_PAGES,
      maximum: MAXIMUM_MEMORY_PAGES,
    });
    const abort = (): never => {
      throw new Error("the compiled engine aborted");
    };
    const instance = new wasm.Instance(new wasm.Module(options.module), {
      env: { memory: this.#memory, abort },
    });
    this.#core = instance.exports as unknown as CoreExports;
    const { codePages = DEFAULT_CODE_PAGES } = options;
    assert(codePages >= 1, "at least one decoded page");
    // More than one for each page of RAM are of no use.
    const pages = Math.min(codePages, Math.ceil(options.ramBytes / layout.PAGE_BYTES));
    const made = this.#core.create(BigInt(options.ramBytes), options.harts, pages);
    if (made === 0) throw new RangeError(`no memory for a guest of ${options.ramBytes} bytes`);
    const { buffer } = this.#memory;
    this.ram = new Uint8Array(buffer, this.#core.ramAddress() >>> 0, options.ramBytes);
    const pageCount = options.ramBytes / layout.PAGE_BYTES;
    this.#flags = new Uint8Array(buffer, this.#core.flagsAddress() >>> 0, pageCount);
    this.#blocks = Array.from({ length: options.harts }, (_, hart) => {
      const address = this.#core.hartAddress(hart) >>> 0;
      return new DataView(buffer, address, layout.HART_BYTES);
    });
    for (let hart = 0; hart < this.harts; hart++)
      this.writeHart(hart, initialHart(hart, BigInt(layout.RAM_BASE)));
  }

  #block(hart: number): DataView {
    const block = this.#blocks[hart];
    assert(block !== undefined, "no such hart");
    return block;
  }

  run(hart: number, budget: number, stepOver = false): RunResult {
    const block = this.#block(hart);
    assert(block.getUint8(layout.HART_EXIT_KIND) === 0, "the last exit was answered");
    let executed = 0;
    for (;;) {
      const slice = Math.min(budget - executed, LONGEST_RUN);
      executed += this.#core.run(hart, slice, stepOver && executed === 0 ? 1 : 0) >>> 0;
      const stop = this.#core.stop.value;
      if (stop !== layout.STOP_BUDGET || executed === budget)
        return { executed, stop: this.#stop(block, stop) };
    }
  }

  #stop(block: DataView, stop: number): Stop {
    switch (stop) {
      case layout.STOP_LOAD:
      case layout.STOP_STORE: {
        const address = block.getBigUint64(layout.HART_EXIT_PHYSICAL, true);
        const bytes = 1 << (block.getUint8(layout.HART_EXIT_WIDTH) & 3);
        if (stop === layout.STOP_LOAD) return { reason: "load", address, bytes };
        const value = block.getBigUint64(layout.HART_EXIT_VALUE, true);
        return { reason: "store", address, bytes, value };
      }
      case layout.STOP_FIRMWARE:
        return { reason: "firmware" };
      case layout.STOP_WAIT:
        return { reason: "wait" };
      case layout.STOP_TRACE: {
        const traced = this.#core.traced() >>> 0;
        return { reason: "trace", page: traced >>> 1, writes: (traced & 1) === 1 };
      }
      case layout.STOP_WATCH:
        return { reason: "watch" };
      case layout.STOP_EBREAK:
        return { reason: "ebreak" };
      case layout.STOP_BREAKPOINT:
        return { reason: "breakpoint" };
      default:
        return { reason: "budget" };
    }
  }

  answer(hart: number, value: bigint): void {
    assert(this.#block(hart).getUint8(layout.HART_EXIT_KIND) !== 0, "there is an exit to answer");
    this.#core.answer(hart, BigInt.asUintN(64, value));
  }

  refuse(hart: number): void {
    assert(this.#block(hart).getUint8(layout.HART_EXIT_KIND) !== 0, "there is an exit to refuse");
    this.#core.refuse(hart);
  }

  readHart(hart: number): Uint8Array {
    const { buffer, byteOffset } = this.#block(hart);
    return new Uint8Array(buffer, byteOffset, layout.HART_BYTES).slice();
  }

  writeHart(hart: number, block: Uint8Array): void {
    assert(block.length === layout.HART_BYTES, "a whole block");
    const { buffer, byteOffset } = this.#block(hart);
    new Uint8Array(buffer, byteOffset, layout.HART_BYTES).set(block);
    this.#core.hartReplaced(hart);
  }

  word(hart: number, offset: number): bigint {
    return this.#block(hart).getBigUint64(offset, true);
  }

  setWord(hart: number, offset: number, value: bigint): void {
    assert(isPlainWord(offset), "no cache depends on the word");
    this.#block(hart).setBigUint64(offset, value, true);
  }

  readCsr(hart: number, number: number): bigint | null {
    this.#block(hart);
    const value = this.#core.readRegister(hart, number);
    return this.#core.registerExists() !== 0 ? BigInt.asUintN(64, value) : null;
  }

  writeCsr(hart: number, number: number, value: bigint): void {
    this.#block(hart);
    this.#core.writeRegister(hart, number, BigInt.asUintN(64, value));
  }

  writeRam(offset: number, bytes: Uint8Array): void {
    this.ram.set(bytes, offset);
    if (bytes.length === 0) return;
    this.#core.ramWritten(offset, bytes.length);
    for (let hart = 0; hart < this.harts; hart++) {
      const block = this.#block(hart);
      const reserved = Number(block.getBigUint64(layout.HART_RESERVATION, true)) - layout.RAM_BASE;
      if (reserved < offset + bytes.length && reserved + 8 > offset)
        block.setBigUint64(layout.HART_RESERVATION, NO_RESERVATION, true);
    }
  }

  dirtyPages(): number[] {
    const pages: number[] = [];
    const flags = this.#flags;
    for (let page = 0; page < flags.length; page++) {
      if ((flags[page]! & layout.PAGE_DIRTY) !== 0) pages.push(page);
    }
    return pages;
  }

  clearDirty(): void {
    this.#core.clearDirty();
  }

  setPageTrace(page: number, trace: PageTrace): void {
    const kept = this.#flags[page]! & ~TRACES;
    if (trace === "none") this.#flags[page] = kept;
    else this.#flags[page] = kept | (trace === "stores" ? layout.PAGE_STORE_TRACED : TRACES);
  }

  pageTrace(page: number): PageTrace {
    const flags = this.#flags[page]! & TRACES;
    return flags === 0 ? "none" : flags === layout.PAGE_STORE_TRACED ? "stores" : "accesses";
  }

  tracesAdded(): void {
    this.#core.tracesAdded();
  }

  setWatches(watches: readonly Watch[]): void {
    this.#core.clearWatches();
    for (const { address, bytes } of watches) {
      const added = this.#core.addWatch(BigInt(address), BigInt(bytes));
      assert(added !== 0, "a watch lies in RAM, and there are at most 16");
    }
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    this.#core.clearBreakpoints();
    for (const address of addresses)
      assert(this.#core.addBreakpoint(address) !== 0, "at most 128 breakpoints");
  }

  /** The 32-bit instruction that a 16-bit one stands for, 0 when it is reserved. */
  expand(halfword: number): number {
    return this.#core.expand(halfword) >>> 0;
  }

  /** How many pages were decoded so far, again ones included: for tests of the bound on them. */
  decodedPages(): number {
    return this.#core.decodedPages() >>> 0;
  }

  dropCaches(): void {
    this.#core.dropCaches();
  }
}
