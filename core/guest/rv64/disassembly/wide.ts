// The 32-bit instructions as a table: name, bits that are fixed, and operands in the order in which the assembler writes
// them (unprivileged specification, chapter 34; privileged specification, chapter 14).

import { CONTROL_NAMES, FLOAT_NAMES, INTEGER_NAMES } from "./names.ts";

const MAJOR = {
  load: 0x03,
  loadFloat: 0x07,
  fence: 0x0f,
  immediate: 0x13,
  auipc: 0x17,
  immediate32: 0x1b,
  store: 0x23,
  storeFloat: 0x27,
  atomic: 0x2f,
  register: 0x33,
  lui: 0x37,
  register32: 0x3b,
  float: 0x53,
  branch: 0x63,
  jalr: 0x67,
  jal: 0x6f,
  system: 0x73,
} as const;

/** How an operand is written. `pc` is the instruction's own address. */
type Operand = (word: number, pc: bigint) => string;

const field = (word: number, at: number, bits: number): number => (word >>> at) & ((1 << bits) - 1);
const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

export const address = (pc: bigint, offset: number): string =>
  hex(BigInt.asUintN(64, pc + BigInt(offset)));

const immediateS = (word: number): number =>
  signed((field(word, 25, 7) << 5) | field(word, 7, 5), 12);
const offsetB = (word: number): number =>
  signed(
    (field(word, 31, 1) << 12) |
      (field(word, 7, 1) << 11) |
      (field(word, 25, 6) << 5) |
      (field(word, 8, 4) << 1),
    13,
  );
const offsetJ = (word: number): number =>
  signed(
    (field(word, 31, 1) << 20) |
      (field(word, 12, 8) << 12) |
      (field(word, 20, 1) << 11) |
      (field(word, 21, 10) << 1),
    21,
  );

const integer = (word: number, at: number): string => INTEGER_NAMES[field(word, at, 5)]!;
const float = (word: number, at: number): string => FLOAT_NAMES[field(word, at, 5)]!;
const FENCE_SETS = (bits: number): string =>
  ["w", "r", "o", "i"].reduceRight((set, name, at) => set + (bits & (1 << at) ? name : ""), "");
const ROUNDING = ["rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", ""] as const;

const OPERANDS = {
  rd: (word) => integer(word, 7),
  rs1: (word) => integer(word, 15),
  rs2: (word) => integer(word, 20),
  fd: (word) => float(word, 7),
  fs1: (word) => float(word, 15),
  fs2: (word) => float(word, 20),
  fs3: (word) => float(word, 27),
  imm: (word) => String(word >> 20),
  upper: (word) => hex(word >>> 12),
  shift: (word) => hex(field(word, 20, 6)),
  load: (word) => `${word >> 20}(${integer(word, 15)})`,
  store: (word) => `${immediateS(word)}(${integer(word, 15)})`,
  at: (word) => `(${integer(word, 15)})`,
  branch: (word, pc) => address(pc, offsetB(word)),
  jump: (word, pc) => address(pc, offsetJ(word)),
  csr: (word) => CONTROL_NAMES.get(word >>> 20) ?? hex(word >>> 20),
  five: (word) => String(field(word, 15, 5)),
  before: (word) => FENCE_SETS(field(word, 24, 4)) || "unknown",
  after: (word) => FENCE_SETS(field(word, 20, 4)) || "unknown",
  /** Nothing when it is the dynamic one. */
  rm: (word) => ROUNDING[field(word, 12, 3)]!,
} satisfies Readonly<Record<string, Operand>>;

interface Instruction {
  readonly name: string;
  readonly match: number;
  readonly mask: number;
  readonly operands: readonly Operand[];
}

const FUNCT3 = 0x707f;
const FUNCT7 = 0xfe00707f;

/** Instructions by their lowest seven bits; of several that fit, the first one counts. */
class InstructionTable {
  readonly byMajor = new Map<number, Instruction[]>();

  add(name: string, match: number, mask: number, operands: string): void {
    const major = match & 0x7f;
    const list = this.byMajor.get(major) ?? [];
    const written = operands.split(" ").filter((each) => each !== "");
    list.push({
      name,
      match: match >>> 0,
      mask: mask >>> 0,
      operands: written.map((each) => OPERANDS[each as keyof typeof OPERANDS]),
    });
    this.byMajor.set(major, list);
  }

  /** Instructions that differ in funct3, from 0 on; `-` is a gap. */
  group(names: string, major: number, operands: string, upper = 0, mask = FUNCT3): void {
    names.split(" ").forEach((name, funct3) => {
      if (name !== "-") this.add(name, (upper | (funct3 << 12) | major) >>> 0, mask, operands);
    });
  }
}

function addIntegers(table: InstructionTable): void {
  table.add("lui", MAJOR.lui, 0x7f, "rd upper");
  table.add("auipc", MAJOR.auipc, 0x7f, "rd upper");
  table.add("jal", MAJOR.jal, 0x7f, "rd jump");
  table.add("jalr", MAJOR.jalr, FUNCT3, "rd load");
  table.group("beq bne - - blt bge bltu bgeu", MAJOR.branch, "rs1 rs2 branch");
  table.group("lb lh lw ld lbu lhu lwu", MAJOR.load, "rd load");
  table.group("sb sh sw sd", MAJOR.store, "rs2 store");
  table.group("addi - slti sltiu xori - ori andi", MAJOR.immediate, "rd rs1 imm");
  table.add("slli", 0x1013, 0xfc00707f, "rd rs1 shift");
  table.add("srli", 0x5013, 0xfc00707f, "rd rs1 shift");
  table.add("srai", 0x40005013, 0xfc00707f, "rd rs1 shift");
  table.add("addiw", 0x1b, FUNCT3, "rd rs1 imm");
  table.add("slliw", 0x101b, FUNCT7, "rd rs1 shift");
  table.add("srliw", 0x501b, FUNCT7, "rd rs1 shift");
  table.add("sraiw", 0x4000501b, FUNCT7, "rd rs1 shift");
  const registers = (names: string, major: number, funct7: number): void =>
    table.group(names, major, "rd rs1 rs2", (funct7 << 25) >>> 0, FUNCT7);
  registers("add sll slt sltu xor srl or and", MAJOR.register, 0);
  registers("sub - - - - sra", MAJOR.register, 0x20);
  registers("mul mulh mulhsu mulhu div divu rem remu", MAJOR.register, 1);
  registers("addw sllw - - - srlw", MAJOR.register32, 0);
  registers("subw - - - - sraw", MAJOR.register32, 0x20);
  registers("mulw - - - divw divuw remw remuw", MAJOR.register32, 1);
}

function addSystem(table: InstructionTable): void {
  table.add("fence.tso", 0x8330000f, 0xfff0707f, "");
  table.add("fence", MAJOR.fence, FUNCT3, "before after");
  table.add("fence.i", 0x100f, FUNCT3, "");
  for (const [name, word] of [
    ["ecall", 0x73],
    ["ebreak", 0x100073],
    ["sret", 0x10200073],
    ["mret", 0x30200073],
    ["wfi", 0x10500073],
  ] as const) {
    table.add(name, word, 0xffffffff, "");
  }
  table.add("sfence.vma", 0x12000073, 0xfe007fff, "rs1 rs2");
  table.group("- csrrw csrrs csrrc", MAJOR.system, "rd csr rs1");
  table.group("- - - - - csrrwi csrrsi csrrci", MAJOR.system, "rd csr five");
}

const ATOMICS = {
  amoadd: 0,
  amoswap: 1,
  lr: 2,
  sc: 3,
  amoxor: 4,
  amoor: 8,
  amoand: 12,
  amomin: 16,
  amomax: 20,
  amominu: 24,
  amomaxu: 28,
} as const;

function addAtomics(table: InstructionTable): void {
  for (const [name, code] of Object.entries(ATOMICS)) {
    for (const [width, suffix] of [".w", ".d"].entries()) {
      ["", ".rl", ".aq", ".aqrl"].forEach((order, bits) => {
        const match = (((code << 27) | (bits << 25) | ((2 + width) << 12)) >>> 0) + MAJOR.atomic;
        const isLoad = name === "lr";
        const mask = isLoad ? 0xfff0707f : FUNCT7;
        table.add(`${name}${suffix}${order}`, match, mask, isLoad ? "rd at" : "rd rs2 at");
      });
    }
  }
}

function addFloats(table: InstructionTable): void {
  table.add("flw", 0x2007, FUNCT3, "fd load");
  table.add("fld", 0x3007, FUNCT3, "fd load");
  table.add("fsw", 0x2027, FUNCT3, "fs2 store");
  table.add("fsd", 0x3027, FUNCT3, "fs2 store");
  ["s", "d"].forEach((format, bits) => {
    const upper = (funct5: number): number => ((funct5 << 27) | (bits << 25)) >>> 0;
    ["fmadd", "fmsub", "fnmsub", "fnmadd"].forEach((name, i) => {
      const match = ((bits << 25) | (0x43 + 4 * i)) >>> 0;
      table.add(`${name}.${format}`, match, 0x0600007f, "fd fs1 fs2 fs3 rm");
    });
    ["fadd", "fsub", "fmul", "fdiv"].forEach((name, i) =>
      table.add(`${name}.${format}`, upper(i) + 0x53, 0xfe00007f, "fd fs1 fs2 rm"),
    );
    const of = (names: string, funct5: number, operands: string, mask = FUNCT7): void =>
      names
        .split(" ")
        .forEach((name, funct3) =>
          table.add(`${name}.${format}`, upper(funct5) + (funct3 << 12) + 0x53, mask, operands),
        );
    of("fsgnj fsgnjn fsgnjx", 4, "fd fs1 fs2");
    of("fmin fmax", 5, "fd fs1 fs2");
    of("fle flt feq", 0x14, "rd fs1 fs2");
    table.add(`fsqrt.${format}`, upper(0xb) + 0x53, 0xfff0007f, "fd fs1 rm");
    table.add(`fclass.${format}`, upper(0x1c) + 0x1053, 0xfff0707f, "rd fs1");
    ["w", "wu", "l", "lu"].forEach((integers, rs2) => {
      const source = rs2 << 20;
      const mask = 0xfff0007f;
      const exact = format === "d" && rs2 < 2 ? "" : " rm";
      table.add(`fcvt.${integers}.${format}`, upper(0x18) + source + 0x53, mask, "rd fs1 rm");
      table.add(`fcvt.${format}.${integers}`, upper(0x1a) + source + 0x53, mask, `fd rs1${exact}`);
    });
    const bitsName = format === "s" ? "w" : "d";
    table.add(`fmv.x.${bitsName}`, upper(0x1c) + 0x53, 0xfff0707f, "rd fs1");
    table.add(`fmv.${bitsName}.x`, upper(0x1e) + 0x53, 0xfff0707f, "fd rs1");
  });
  table.add("fcvt.s.d", 0x40100053, 0xfff0007f, "fd fs1 rm");
  table.add("fcvt.d.s", 0x42000053, 0xfff0007f, "fd fs1");
}

function allInstructions(): ReadonlyMap<number, readonly Instruction[]> {
  const table = new InstructionTable();
  addIntegers(table);
  addSystem(table);
  addAtomics(table);
  addFloats(table);
  return table.byMajor;
}

const INSTRUCTIONS = allInstructions();

/** Text of a 32-bit instruction; null when there is no such one. */
export function wideText(word: number, pc: bigint): string | null {
  const found = INSTRUCTIONS.get(word & 0x7f)?.find(
    ({ match, mask }) => (word & mask) >>> 0 === match,
  );
  if (found === undefined) return null;
  const operands = found.operands.map((each) => each(word, pc)).filter((each) => each !== "");
  return operands.length === 0 ? found.name : `${found.name} ${operands.join(",")}`;
}
