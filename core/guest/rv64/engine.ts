// What an engine of the RV64 machine does for the machine around it. There are two: the reference (plain TypeScript, the
// specification in code) and the compiled one (AssemblyScript, fast). Given equal state and equal calls, both must
// behave the same to the last bit; the tests hold them to it.
//
// All state is the hart blocks (layout.ts) and RAM. Watches and breakpoints are settings of the host: they change where
// `run` returns, never what the guest computes.

/** A physical address range whose stores the host wants to see. */
export interface Watch {
  readonly address: number;
  readonly bytes: number;
}

/** Why `run` returned. Addresses of devices are physical and may exceed 2^53, hence BigInt. */
export type Stop =
  /** The budget is used up. */
  | { readonly reason: "budget" }
  /** The next instruction loads from outside RAM; answer with `answer` or `refuse`. */
  | { readonly reason: "load"; readonly address: bigint; readonly bytes: number }
  /** The next instruction stores outside RAM; answer with `answer` or `refuse`. */
  | {
      readonly reason: "store";
      readonly address: bigint;
      readonly bytes: number;
      readonly value: bigint;
    }
  /** `ecall` of supervisor mode for the host as firmware; it is done, the program counter is behind it. */
  | { readonly reason: "firmware" }
  /** The hart waits for an interrupt (`wfi`). */
  | { readonly reason: "wait" }
  /** The next instruction accesses a traced page (of RAM, by number); go on when it may. */
  | { readonly reason: "trace"; readonly page: number; readonly writes: boolean }
  /** The last instruction stored into a watched range. */
  | { readonly reason: "watch" }
  /** The next instruction is an `ebreak`, and the host asked to see those. */
  | { readonly reason: "ebreak" }
  /** The next instruction is at a breakpoint. */
  | { readonly reason: "breakpoint" };

/** Which accesses to a page the host wants to see before they happen. */
export type PageTrace = "none" | "stores" | "accesses";

export interface RunResult {
  /** Instructions executed in this call, those that trapped included. */
  readonly executed: number;
  readonly stop: Stop;
}

export interface EngineOptions {
  readonly ramBytes: number;
  readonly harts: number;
}

export interface Engine {
  readonly kind: "reference" | "compiled";
  readonly ramBytes: number;
  readonly harts: number;
  /** RAM as bytes, to read. Write through `writeRam`, so that caches and dirty marks follow. */
  readonly ram: Uint8Array;

  /** Runs one hart for at most `budget` instructions. With `stepOver`, a breakpoint at its first one is ignored. */
  run(hart: number, budget: number, stepOver?: boolean): RunResult;
  /** Completes the load or store the hart stopped at. `value` is what a load reads (its low bytes count). */
  answer(hart: number, value: bigint): void;
  /** There is no such device: the load or store traps with an access fault. */
  refuse(hart: number): void;

  /** A copy of the hart's block. */
  readHart(hart: number): Uint8Array;
  writeHart(hart: number, block: Uint8Array): void;
  /** One 64-bit word of the hart's block, by its offset in layout.ts. */
  word(hart: number, offset: number): bigint;
  /**
   * Replaces one word on which no cache depends: integer registers, interrupt bits, the clock's words, the reservation,
   * `waiting`. Cheap, where `writeHart` forgets the hart's translations.
   */
  setWord(hart: number, offset: number, value: bigint): void;
  /** A control register by its number, whatever the mode; null when there is none. */
  readCsr(hart: number, number: number): bigint | null;
  /** Writes a control register as software would in machine mode; pins and read-only registers stay. */
  writeCsr(hart: number, number: number, value: bigint): void;

  /** Copies bytes into RAM at an offset from its start. */
  writeRam(offset: number, bytes: Uint8Array): void;
  /** Numbers of the pages written since `clearDirty`, ascending. */
  dirtyPages(): number[];
  clearDirty(): void;
  /** A setting of the host, like watches. Once all are set: `tracesAdded`; taking one off needs nothing. */
  setPageTrace(page: number, trace: PageTrace): void;
  pageTrace(page: number): PageTrace;
  tracesAdded(): void;
  /** Told of a traced page before the machine around the harts accesses it (board/host-access.ts). */
  onHostAccess: ((page: number, writes: boolean) => void) | null;
  /** Whoever is told may say that it has to wait, by throwing `MustWait`; only work that can be taken back then begins. */
  hostMayWait: boolean;
  /** While such work goes on: what it wrote over, the last one last; null: none goes on. */
  hostUndo: { readonly offset: number; readonly bytes: Uint8Array }[] | null;
  setWatches(watches: readonly Watch[]): void;
  setBreakpoints(addresses: readonly bigint[]): void;
  /** Forgets everything that is not state. Never changes what the guest computes. */
  dropCaches(): void;
}
