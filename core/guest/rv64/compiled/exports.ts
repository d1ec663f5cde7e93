// What the compiled core exports (assembly/index.ts), as JavaScript sees it: 64-bit values are BigInt, booleans numbers.

export interface CoreExports {
  readonly stop: { readonly value: number };
  create(ramBytes: bigint, harts: number, codePages: number): number;
  ramAddress(): number;
  flagsAddress(): number;
  hartAddress(hart: number): number;
  run(hart: number, budget: number, overBreakpoint: number): number;
  answer(hart: number, value: bigint): void;
  refuse(hart: number): void;
  readRegister(hart: number, number: number): bigint;
  registerExists(): number;
  writeRegister(hart: number, number: number, value: bigint): void;
  hartReplaced(hart: number): void;
  ramWritten(offset: number, bytes: number): void;
  clearDirty(): void;
  traced(): number;
  tracesAdded(): void;
  dropCaches(): void;
  clearWatches(): void;
  addWatch(address: bigint, bytes: bigint): number;
  clearBreakpoints(): void;
  addBreakpoint(address: bigint): number;
  decodedPages(): number;
  expand(halfword: number): number;
}

/** The memory the module is built for (assembly/build.ts): it grows from here to what the guest needs. */
export const INITIAL_MEMORY_PAGES = 32;
export const MAXIMUM_MEMORY_PAGES = 65536;
