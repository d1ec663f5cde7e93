// Reading a RISC-V ELF file into pieces, with every bound checked: the file comes from outside. Source: System V ABI,
// ELF-64 object file format; RISC-V psABI (machine number 243).

export interface ElfSegment {
  /** Guest physical address. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** Bytes in memory; what the file does not give is zero. */
  readonly memoryBytes: number;
}

export interface Elf {
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  /** Addresses of the symbols that were asked for and found. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

export type ElfProblem = { readonly code: "bad-elf"; readonly message: string };
export type ElfResult =
  { readonly ok: true; readonly elf: Elf } | { readonly ok: false; readonly problem: ElfProblem };

const MACHINE_RISCV = 243;
const SEGMENT_LOAD = 1;
const SECTION_SYMBOLS = 2;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
/** Symbols of this type and above name sections and files. */
const SYMBOL_SECTION = 3;
/** More memory than any machine here has: what claims more is damaged. */
const MOST_BYTES = 1n << 31n;

/** Thrown inside this file only; `readElf` turns it into a value. */
class BadElf extends Error {}

/** A range of the file, or the complaint that the file ends before it. */
function slice(file: Uint8Array, offset: bigint, size: bigint, what: string): Uint8Array {
  if (offset + size > BigInt(file.length)) throw new BadElf(`${what} reaches beyond the file`);
  return file.subarray(Number(offset), Number(offset + size));
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function checkHeader(file: Uint8Array): DataView {
  const header = viewOf(slice(file, 0n, BigInt(HEADER_BYTES), "the ELF header"));
  if (header.getUint32(0) !== 0x7f454c46) throw new BadElf("not an ELF file");
  if (header.getUint8(4) !== 2) throw new BadElf("not a 64-bit ELF file");
  if (header.getUint8(5) !== 1) throw new BadElf("not a little-endian ELF file");
  const machine = header.getUint16(18, true);
  if (machine !== MACHINE_RISCV)
    throw new BadElf(`machine ${machine}, expected RISC-V (${MACHINE_RISCV})`);
  return header;
}

function readSegments(file: Uint8Array, header: DataView): ElfSegment[] {
  const count = header.getUint16(56, true);
  if (count > 0 && header.getUint16(54, true) !== PROGRAM_HEADER_BYTES)
    throw new BadElf("program headers of an unknown size");
  const size = BigInt(count * PROGRAM_HEADER_BYTES);
  const table = viewOf(slice(file, header.getBigUint64(32, true), size, "the program headers"));
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * PROGRAM_HEADER_BYTES;
    if (table.getUint32(at, true) !== SEGMENT_LOAD) continue;
    const fileBytes = table.getBigUint64(at + 32, true);
    const memoryBytes = table.getBigUint64(at + 40, true);
    if (memoryBytes < fileBytes || memoryBytes > MOST_BYTES)
      throw new BadElf(`segment ${i} has impossible sizes`);
    const bytes = slice(file, table.getBigUint64(at + 8, true), fileBytes, `segment ${i}`);
    const address = table.getBigUint64(at + 24, true);
    segments.push({ address, bytes, memoryBytes: Number(memoryBytes) });
  }
  return segments;
}

function readName(strings: Uint8Array, offset: number): string {
  const end = strings.indexOf(0, offset);
  return new TextDecoder().decode(strings.subarray(offset, end < 0 ? strings.length : end));
}

/** A function, an object, or a label: what a place in memory may be called. */
const isPlace = (name: string, info: number): boolean =>
  name !== "" && (info & 15) < SYMBOL_SECTION && !name.startsWith("$");

function readSymbols(
  file: Uint8Array,
  header: DataView,
  wanted: ReadonlySet<string> | "all",
): Map<string, bigint> {
  const found = new Map<string, bigint>();
  const count = header.getUint16(60, true);
  if (count === 0) return found;
  if (header.getUint16(58, true) !== SECTION_HEADER_BYTES)
    throw new BadElf("section headers of an unknown size");
  const size = BigInt(count * SECTION_HEADER_BYTES);
  const table = viewOf(slice(file, header.getBigUint64(40, true), size, "the section headers"));
  const section = (i: number): Uint8Array => {
    const at = i * SECTION_HEADER_BYTES;
    const offset = table.getBigUint64(at + 24, true);
    return slice(file, offset, table.getBigUint64(at + 32, true), `section ${i}`);
  };
  for (let i = 0; i < count; i++) {
    if (table.getUint32(i * SECTION_HEADER_BYTES + 4, true) !== SECTION_SYMBOLS) continue;
    const link = table.getUint32(i * SECTION_HEADER_BYTES + 40, true);
    if (link >= count) throw new BadElf(`section ${i} names strings that are not there`);
    const strings = section(link);
    const symbols = viewOf(section(i));
    for (let at = 0; at + SYMBOL_BYTES <= symbols.byteLength; at += SYMBOL_BYTES) {
      const name = readName(strings, symbols.getUint32(at, true));
      const isWanted =
        wanted === "all" ? isPlace(name, symbols.getUint8(at + 4)) : wanted.has(name);
      if (isWanted) found.set(name, symbols.getBigUint64(at + 8, true));
    }
  }
  return found;
}

/** Takes an ELF file apart: 64-bit little-endian RISC-V. Never throws for what the file holds. */
export function readElf(file: Uint8Array, symbols: readonly string[] | "all" = []): ElfResult {
  try {
    const header = checkHeader(file);
    const elf = {
      entry: header.getBigUint64(24, true),
      segments: readSegments(file, header),
      symbols: readSymbols(file, header, symbols === "all" ? "all" : new Set(symbols)),
    };
    return { ok: true, elf };
  } catch (thrown) {
    if (!(thrown instanceof BadElf)) throw thrown;
    return { ok: false, problem: { code: "bad-elf", message: thrown.message } };
  }
}
