// The C extension: every 16-bit instruction stands for one 32-bit instruction (unprivileged specification, chapter 16).
// Reserved encodings give null.

import { field } from "./bits.ts";
import { OPCODE } from "./decode.ts";

const typeI = (opcode: number, funct3: number, rd: number, rs1: number, imm: number): number =>
  (((imm & 0xfff) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;

const typeS = (opcode: number, funct3: number, rs1: number, rs2: number, imm: number): number =>
  ((field(imm, 11, 5) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (funct3 << 12) |
    (field(imm, 4, 0) << 7) |
    opcode) >>>
  0;

const typeR = (
  opcode: number,
  funct3: number,
  funct7: number,
  rd: number,
  rs1: number,
  rs2: number,
): number =>
  ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;

const typeB = (funct3: number, rs1: number, imm: number): number =>
  ((field(imm, 12, 12) << 31) |
    (field(imm, 10, 5) << 25) |
    (rs1 << 15) |
    (funct3 << 12) |
    (field(imm, 4, 1) << 8) |
    (field(imm, 11, 11) << 7) |
    OPCODE.branch) >>>
  0;

const typeJ = (rd: number, imm: number): number =>
  ((field(imm, 20, 20) << 31) |
    (field(imm, 10, 1) << 21) |
    (field(imm, 11, 11) << 20) |
    (field(imm, 19, 12) << 12) |
    (rd << 7) |
    OPCODE.jal) >>>
  0;

const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** The six-bit signed immediate of the CI format. */
const immediateCI = (h: number): number => signed((field(h, 12, 12) << 5) | field(h, 6, 2), 6);

const shiftAmount = (h: number): number => (field(h, 12, 12) << 5) | field(h, 6, 2);

const offsetWord = (h: number): number =>
  (field(h, 5, 5) << 6) | (field(h, 12, 10) << 3) | (field(h, 6, 6) << 2);

const offsetDouble = (h: number): number => (field(h, 6, 5) << 6) | (field(h, 12, 10) << 3);

const narrowHigh = (h: number): number => field(h, 9, 7) + 8;
const narrowLow = (h: number): number => field(h, 4, 2) + 8;

function quadrant0(h: number): number | null {
  const rs1 = narrowHigh(h);
  const reg = narrowLow(h);
  switch (h >> 13) {
    case 0: {
      const imm =
        (field(h, 10, 7) << 6) |
        (field(h, 12, 11) << 4) |
        (field(h, 5, 5) << 3) |
        (field(h, 6, 6) << 2);
      return imm === 0 ? null : typeI(OPCODE.opImm, 0, reg, 2, imm);
    }
    case 1:
      return typeI(OPCODE.loadFp, 3, reg, rs1, offsetDouble(h));
    case 2:
      return typeI(OPCODE.load, 2, reg, rs1, offsetWord(h));
    case 3:
      return typeI(OPCODE.load, 3, reg, rs1, offsetDouble(h));
    case 5:
      return typeS(OPCODE.storeFp, 3, rs1, reg, offsetDouble(h));
    case 6:
      return typeS(OPCODE.store, 2, rs1, reg, offsetWord(h));
    case 7:
      return typeS(OPCODE.store, 3, rs1, reg, offsetDouble(h));
    default:
      return null;
  }
}

function stackAdjustOrUpper(h: number): number | null {
  const rd = field(h, 11, 7);
  if (rd === 2) {
    const imm = signed(
      (field(h, 12, 12) << 9) |
        (field(h, 4, 3) << 7) |
        (field(h, 5, 5) << 6) |
        (field(h, 2, 2) << 5) |
        (field(h, 6, 6) << 4),
      10,
    );
    return imm === 0 ? null : typeI(OPCODE.opImm, 0, 2, 2, imm);
  }
  const imm = immediateCI(h);
  return imm === 0 ? null : (((imm << 12) & 0xfffff000) | (rd << 7) | OPCODE.lui) >>> 0;
}

function narrowArithmetic(h: number): number | null {
  const rd = narrowHigh(h);
  const rs2 = narrowLow(h);
  switch (field(h, 11, 10)) {
    case 0:
      return typeI(OPCODE.opImm, 5, rd, rd, shiftAmount(h));
    case 1:
      return typeI(OPCODE.opImm, 5, rd, rd, 0x400 | shiftAmount(h));
    case 2:
      return typeI(OPCODE.opImm, 7, rd, rd, immediateCI(h));
  }
  switch ((field(h, 12, 12) << 2) | field(h, 6, 5)) {
    case 0:
      return typeR(OPCODE.op, 0, 0x20, rd, rd, rs2);
    case 1:
      return typeR(OPCODE.op, 4, 0, rd, rd, rs2);
    case 2:
      return typeR(OPCODE.op, 6, 0, rd, rd, rs2);
    case 3:
      return typeR(OPCODE.op, 7, 0, rd, rd, rs2);
    case 4:
      return typeR(OPCODE.op32, 0, 0x20, rd, rd, rs2);
    case 5:
      return typeR(OPCODE.op32, 0, 0, rd, rd, rs2);
    default:
      return null;
  }
}

const jumpOffset = (h: number): number =>
  signed(
    (field(h, 12, 12) << 11) |
      (field(h, 8, 8) << 10) |
      (field(h, 10, 9) << 8) |
      (field(h, 6, 6) << 7) |
      (field(h, 7, 7) << 6) |
      (field(h, 2, 2) << 5) |
      (field(h, 11, 11) << 4) |
      (field(h, 5, 3) << 1),
    12,
  );

const branchOffset = (h: number): number =>
  signed(
    (field(h, 12, 12) << 8) |
      (field(h, 6, 5) << 6) |
      (field(h, 2, 2) << 5) |
      (field(h, 11, 10) << 3) |
      (field(h, 4, 3) << 1),
    9,
  );

function quadrant1(h: number): number | null {
  const rd = field(h, 11, 7);
  switch (h >> 13) {
    case 0:
      return typeI(OPCODE.opImm, 0, rd, rd, immediateCI(h));
    case 1:
      return rd === 0 ? null : typeI(OPCODE.opImm32, 0, rd, rd, immediateCI(h));
    case 2:
      return typeI(OPCODE.opImm, 0, rd, 0, immediateCI(h));
    case 3:
      return stackAdjustOrUpper(h);
    case 4:
      return narrowArithmetic(h);
    case 5:
      return typeJ(0, jumpOffset(h));
    default:
      return typeB((h >> 13) & 1, narrowHigh(h), branchOffset(h));
  }
}

function jumpMoveAdd(h: number): number | null {
  const rd = field(h, 11, 7);
  const rs2 = field(h, 6, 2);
  if (field(h, 12, 12) === 0) {
    if (rs2 !== 0) return typeR(OPCODE.op, 0, 0, rd, 0, rs2);
    return rd === 0 ? null : typeI(OPCODE.jalr, 0, 0, rd, 0);
  }
  if (rs2 !== 0) return typeR(OPCODE.op, 0, 0, rd, rd, rs2);
  return rd === 0 ? 0x00100073 : typeI(OPCODE.jalr, 0, 1, rd, 0);
}

function quadrant2(h: number): number | null {
  const rd = field(h, 11, 7);
  const rs2 = field(h, 6, 2);
  const loadDouble = (field(h, 4, 2) << 6) | (field(h, 12, 12) << 5) | (field(h, 6, 5) << 3);
  const loadWord = (field(h, 3, 2) << 6) | (field(h, 12, 12) << 5) | (field(h, 6, 4) << 2);
  const storeDouble = (field(h, 9, 7) << 6) | (field(h, 12, 10) << 3);
  const storeWord = (field(h, 8, 7) << 6) | (field(h, 12, 9) << 2);
  switch (h >> 13) {
    case 0:
      return typeI(OPCODE.opImm, 1, rd, rd, shiftAmount(h));
    case 1:
      return typeI(OPCODE.loadFp, 3, rd, 2, loadDouble);
    case 2:
      return rd === 0 ? null : typeI(OPCODE.load, 2, rd, 2, loadWord);
    case 3:
      return rd === 0 ? null : typeI(OPCODE.load, 3, rd, 2, loadDouble);
    case 4:
      return jumpMoveAdd(h);
    case 5:
      return typeS(OPCODE.storeFp, 3, 2, rs2, storeDouble);
    case 6:
      return typeS(OPCODE.store, 2, 2, rs2, storeWord);
    default:
      return typeS(OPCODE.store, 3, 2, rs2, storeDouble);
  }
}

/** The 32-bit instruction that a 16-bit one stands for; null when reserved. `h & 3` is not 3. */
export function expandCompressed(h: number): number | null {
  switch (h & 3) {
    case 0:
      return quadrant0(h);
    case 1:
      return quadrant1(h);
    default:
      return quadrant2(h);
  }
}
