/**
 * The registers that a debugger sees, in the order in which it numbers them, and their description for it ("GDB
 * manual", G.5.12, RISC-V features).
 */
import { rv64 } from "../../core/guest/index.ts";
import type { DebugTarget, RegisterName } from "../debugging/index.ts";

export interface Register {
  readonly name: string;
  readonly source: RegisterName;
  readonly bytes: 4 | 8;
}

export interface TargetDescription {
  readonly registers: readonly Register[];
  readonly xml: string;
}

const FIRST_FLOAT_CSR = 1;
const LAST_FLOAT_CSR = 3;
/** Follows the clock of the machine, not the registers of a hart. */
const TIME = "time";

const FLOAT_TYPE =
  `<union id="riscv_double"><field name="float" type="ieee_single"/>` +
  `<field name="double" type="ieee_double"/></union>`;

export function describeTarget(target: DebugTarget): TargetDescription {
  const exists = (number: number): boolean => target.register(0, { kind: "csr", number }) !== null;
  const csrs = [...rv64.CONTROL_NAMES].filter(
    ([number, name]) => exists(number) && name !== TIME && !name.includes("hpm"),
  );
  const isFloat = (number: number): boolean =>
    number >= FIRST_FLOAT_CSR && number <= LAST_FLOAT_CSR;
  const csr =
    (bytes: 4 | 8) =>
    ([number, name]: readonly [number, string]): Register => ({
      name,
      source: { kind: "csr", number },
      bytes,
    });
  const integers = rv64.INTEGER_NAMES.map((name, number): Register => ({
    name,
    source: { kind: "integer", number },
    bytes: 8,
  }));
  const floats = rv64.FLOAT_NAMES.map((name, number): Register => ({
    name,
    source: { kind: "float", number },
    bytes: 8,
  }));
  const features: readonly (readonly [string, readonly Register[]])[] = [
    ["cpu", [...integers, { name: "pc", source: { kind: "pc" }, bytes: 8 }]],
    ["fpu", [...floats, ...csrs.filter(([number]) => isFloat(number)).map(csr(4))]],
    ["csr", csrs.filter(([number]) => !isFloat(number)).map(csr(8))],
    ["virtual", [{ name: "priv", source: { kind: "privilege" }, bytes: 8 }]],
  ];
  const xml = [
    `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">`,
    `<target version="1.0"><architecture>riscv:rv64</architecture>`,
    ...features.map(([name, registers]) => featureXml(name, registers)),
    `</target>`,
  ].join("\n");
  return { registers: features.flatMap(([, registers]) => registers), xml };
}

function featureXml(feature: string, registers: readonly Register[]): string {
  const lines = registers.map(
    ({ name, source, bytes }) =>
      `<reg name="${name}" bitsize="${8 * bytes}" type="${typeOf(name, source)}"/>`,
  );
  const types = feature === "fpu" ? [FLOAT_TYPE] : [];
  const head = `<feature name="org.gnu.gdb.riscv.${feature}">`;
  return [head, ...types, ...lines, "</feature>"].join("\n");
}

function typeOf(name: string, { kind }: RegisterName): string {
  if (kind === "pc") return "code_ptr";
  if (kind === "float") return "riscv_double";
  return name === "sp" || name === "gp" || name === "tp" ? "data_ptr" : "int";
}
