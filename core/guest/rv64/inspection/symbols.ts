// Names of places in a program: from its ELF file, looked up in both directions.

import { readElf } from "../elf.ts";

export interface Symbols {
  /** Address of a name. */
  readonly find: (name: string) => bigint | undefined;
  /** `name` or `name+0x10` for the last symbol at or before the address; empty when there is none. */
  readonly nameOf: (address: bigint) => string;
  readonly all: ReadonlyMap<string, bigint>;
}

/** Of a file that is no ELF there are none. */
export function symbolsOf(file: Uint8Array): Symbols {
  const read = readElf(file, "all");
  const all = read.ok ? read.elf.symbols : new Map<string, bigint>();
  const ends = read.ok
    ? read.elf.segments.map(({ address, memoryBytes }) => address + BigInt(memoryBytes))
    : [];
  const end = ends.reduce((most, each) => (each > most ? each : most), 0n);
  const sorted = [...all].sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
  const nameOf = (address: bigint): string => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]![1] <= address) low = middle + 1;
      else high = middle;
    }
    const found = sorted[low - 1];
    if (found === undefined || address >= end) return "";
    const [name, start] = found;
    return address === start ? name : `${name}+0x${(address - start).toString(16)}`;
  };
  return { find: (name) => all.get(name), nameOf, all };
}
