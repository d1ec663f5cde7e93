// A machine as plain data, for people: registers by name, memory, code, page tables. Reading changes nothing.

import { type Plain, type PlainObject, type Viewed } from "../../../kernel/index.ts";
import { CONTROL_NAMES, disassemble, FLOAT_NAMES, INTEGER_NAMES } from "../disassembly/index.ts";
import type { Engine } from "../engine.ts";
import * as layout from "../layout.ts";
import { mappingsOf, translateAddress } from "./page-tables.ts";
import type { Symbols } from "./symbols.ts";

export interface Inspected {
  readonly engine: Engine;
  readonly symbols: Symbols;
  readonly progress: number;
}

const MODES = ["user", "supervisor", "reserved", "machine"] as const;
const DUMP_BYTES = 64;
const MOST_DUMP_BYTES = 65_536;
const CODE_INSTRUCTIONS = 16;
const MOST_INSTRUCTIONS = 4_096;
/** What a place is: an address or a symbol, and how much of it: `0x80001000`, `main+32`, `table+0x40`. */
const PLACE = /^([^+]+)(?:\+(0x[0-9a-fA-F]+|\d+))?$/;

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

const bad = (message: string): Viewed => ({ ok: false, message });
const good = (value: Plain): Viewed => ({ ok: true, value });

/** The value at a path below the machine; an empty path gives an overview. */
export function inspectMachine(machine: Inspected, path: readonly string[]): Viewed {
  const [first, ...rest] = path;
  if (first === undefined) return good(overview(machine));
  if (first === "memory") return atPlace(machine, rest, dump, (address) => address);
  if (first === "code") return atPlace(machine, rest, code, (address) => address);
  if (first === "symbols") return below(symbolTable(machine), rest);
  if (!first.startsWith("hart-")) return below(overview(machine), path);
  const hart = /^hart-([0-7])$/.exec(first);
  const number = Number(hart?.[1] ?? NaN);
  if (!(number < machine.engine.harts)) {
    return bad(`no member ${first}: there are ${machine.engine.harts} harts from hart-0 on`);
  }
  return inspectHart(machine, number, rest);
}

function inspectHart(machine: Inspected, hart: number, path: readonly string[]): Viewed {
  const { engine } = machine;
  const [first, ...rest] = path;
  const physical = (address: bigint): bigint | null => translateAddress(engine, hart, address);
  if (first === "memory") return atPlace(machine, rest, dump, physical);
  if (first === "code" && rest.length > 0) return atPlace(machine, rest, code, physical);
  if (first === "code") {
    const pc = engine.word(hart, layout.HART_PC);
    return code(machine, pc, CODE_INSTRUCTIONS, physical);
  }
  if (first === "page-tables") return good(pageTables(engine, hart));
  return below(hartView(machine, hart), path);
}

function below(value: PlainObject, path: readonly string[]): Viewed {
  let at: Plain | undefined = value;
  for (const name of path) {
    const known = typeof at === "object" && at !== null && Object.hasOwn(at, name);
    if (!known) return bad(`no member ${name}`);
    at = (at as PlainObject)[name];
  }
  return good(at ?? null);
}

function overview(machine: Inspected): PlainObject {
  const { engine, progress } = machine;
  const harts: { [name: string]: Plain } = {};
  for (let hart = 0; hart < engine.harts; hart++) {
    const { pc, at, privilege, waiting } = hartView(machine, hart);
    harts[`hart-${hart}`] = { pc, at, privilege, waiting } as PlainObject;
  }
  return { progress, ramBytes: engine.ramBytes, ramBase: hex(BigInt(layout.RAM_BASE)), ...harts };
}

function hartView({ engine, symbols }: Inspected, hart: number): PlainObject {
  const word = (offset: number): bigint => engine.word(hart, offset);
  const registers: { [name: string]: string } = {};
  INTEGER_NAMES.forEach((name, i) => (registers[name] = hex(word(layout.HART_X + 8 * i))));
  const floats: { [name: string]: string } = {};
  FLOAT_NAMES.forEach((name, i) => (floats[name] = hex(word(layout.HART_F + 8 * i))));
  const csrs: { [name: string]: string } = {};
  for (const [number, name] of CONTROL_NAMES) {
    const value = engine.readCsr(hart, number);
    if (value !== null) csrs[name] = hex(value);
  }
  const pc = word(layout.HART_PC);
  return {
    pc: hex(pc),
    at: symbols.nameOf(pc),
    privilege: MODES[Number(word(layout.HART_PRIVILEGE) & 3n)]!,
    waiting: word(layout.HART_WAITING) !== 0n,
    executed: Number(word(layout.HART_PROGRESS)),
    retired: Number(word(layout.HART_PROGRESS) - word(layout.HART_TRAPPED)),
    registers,
    floats,
    csrs,
  };
}

function symbolTable({ symbols }: Inspected): PlainObject {
  return Object.fromEntries([...symbols.all].map(([name, address]) => [name, hex(address)]));
}

function pageTables(engine: Engine, hart: number): Plain {
  const mappings = mappingsOf(engine, hart);
  if (mappings === null) return "translation is off";
  return mappings.map(({ virtual, physical, bytes, permissions }) => ({
    virtual: hex(virtual),
    physical: hex(physical),
    bytes: Number(bytes),
    permissions,
  }));
}

/** Where an address lies in RAM's own address space; null: nowhere. */
type Physical = (address: bigint) => bigint | null;

/** An address or a name, and the count behind its plus sign. */
export function parsePlace(
  symbols: Symbols,
  text: string,
): { readonly address: bigint; readonly count: number | undefined } | undefined {
  const [, place, count] = PLACE.exec(text) ?? [];
  if (place === undefined) return undefined;
  const isNumber = /^(0x[0-9a-fA-F]{1,16}|\d{1,19})$/.test(place);
  const address = isNumber ? BigInt(place) : symbols.find(place);
  if (address === undefined) return undefined;
  return { address, count: count === undefined ? undefined : Number(count) };
}

function atPlace(
  machine: Inspected,
  path: readonly string[],
  show: (machine: Inspected, address: bigint, count: number | undefined, at: Physical) => Viewed,
  physical: Physical,
): Viewed {
  const [text, ...rest] = path;
  if (text === undefined || rest.length > 0) {
    return bad("name one place: an address or a symbol, and +COUNT if you like");
  }
  const place = parsePlace(machine.symbols, text);
  if (place === undefined) return bad(`${text} is no address and no symbol`);
  return show(machine, place.address, place.count, physical);
}

/** Bytes at an address, as far as they lie in RAM and behind each other. */
export function bytesAt(
  { engine }: Pick<Inspected, "engine">,
  address: bigint,
  count: number,
  physical: Physical,
): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let done = 0; done < count;) {
    const at = address + BigInt(done);
    const start = physical(at);
    const offset = start === null ? -1 : Number(start - BigInt(layout.RAM_BASE));
    if (offset < 0 || offset >= engine.ramBytes) return bytes.slice(0, done);
    const left = layout.PAGE_BYTES - Number(at & BigInt(layout.PAGE_BYTES - 1));
    const piece = Math.min(left, count - done);
    bytes.set(engine.ram.subarray(offset, offset + piece), done);
    done += piece;
  }
  return bytes;
}

function dump(
  machine: Inspected,
  address: bigint,
  count = DUMP_BYTES,
  physical: Physical = (at) => at,
): Viewed {
  const bytes = bytesAt(machine, address, Math.min(count, MOST_DUMP_BYTES), physical);
  if (bytes.length === 0) return bad(`${hex(address)} is not in RAM, or not mapped`);
  const lines: { [address: string]: string } = {};
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    lines[hex(address + BigInt(at))] = line
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join(" ");
  }
  return good(lines);
}

function code(
  machine: Inspected,
  address: bigint,
  count = CODE_INSTRUCTIONS,
  physical: Physical = (at) => at,
): Viewed {
  const most = Math.min(count, MOST_INSTRUCTIONS);
  const bytes = bytesAt(machine, address, most * 4, physical);
  const lines: { [address: string]: string } = {};
  for (let at = 0, done = 0; done < most; done++) {
    const here = address + BigInt(at);
    const instruction = disassemble(bytes.subarray(at), here);
    if (instruction === null) break;
    const name = machine.symbols.nameOf(here);
    const label = name === "" ? "" : `${name}: `;
    lines[hex(here)] = label + instruction.text;
    at += instruction.bytes;
  }
  if (Object.keys(lines).length === 0) return bad(`${hex(address)} is not in RAM, or not mapped`);
  return good(lines);
}
