/**
 * The registers as gdb knows them (GDB manual, G.5.12: `org.gnu.gdb.riscv.cpu`, `.fpu`, `.csr`): their
 * numbers, and how each is read.
 */
import { rv64 } from "../../core/guest/index.ts";

const PC = 32;
const FLOATS = 33;
const CONTROLS = 65;
/** Also part of the floating-point feature, under their usual numbers. */
const FLOAT_CONTROLS: ReadonlySet<string> = new Set(["fflags", "frm", "fcsr"]);

const register = (name: string, bits: number, type: string, number: number): string =>
  `<reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number}"/>`;

function describeTarget(): string {
  const integers = rv64.INTEGER_NAMES.map((name, i) => {
    const isPointer = name === "sp" || name === "gp" || name === "tp";
    return register(name, 64, isPointer ? "data_ptr" : name === "ra" ? "code_ptr" : "int", i);
  });
  const floats = rv64.FLOAT_NAMES.map((name, i) => register(name, 64, "ieee_double", FLOATS + i));
  const inFloat: string[] = [];
  const controls: string[] = [];
  for (const [number, name] of rv64.CONTROL_NAMES) {
    const line = register(name, FLOAT_CONTROLS.has(name) ? 32 : 64, "int", CONTROLS + number);
    (FLOAT_CONTROLS.has(name) ? inFloat : controls).push(line);
  }
  const feature = (name: string, lines: readonly string[]): string =>
    `<feature name="org.gnu.gdb.riscv.${name}">\n${lines.join("\n")}\n</feature>`;
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    "<architecture>riscv:rv64</architecture>",
    feature("cpu", [...integers, register("pc", 64, "code_ptr", PC)]),
    feature("fpu", [...floats, ...inFloat]),
    feature("csr", controls),
    "</target>",
    "",
  ].join("\n");
}

export const TARGET_XML = describeTarget();

/** A register by gdb's number, as bits with their width; undefined: there is none. */
export function readRegister(
  engine: rv64.Engine,
  hart: number,
  number: number,
): { readonly value: bigint; readonly bits: 32 | 64 } | undefined {
  const word = (offset: number) => ({ value: engine.word(hart, offset), bits: 64 as const });
  if (number < PC) return word(rv64.layout.HART_X + 8 * number);
  if (number === PC) return word(rv64.layout.HART_PC);
  if (number < CONTROLS) return word(rv64.layout.HART_F + 8 * (number - FLOATS));
  const name = rv64.CONTROL_NAMES.get(number - CONTROLS);
  if (name === undefined) return undefined;
  const value = engine.readCsr(hart, number - CONTROLS) ?? 0n;
  return { value, bits: FLOAT_CONTROLS.has(name) ? 32 : 64 };
}

/** How many registers the `g` packet holds: the integer ones and the program counter. */
export const GENERAL_REGISTERS = PC + 1;
