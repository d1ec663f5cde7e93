// The fields and immediates of a 32-bit instruction word (unprivileged specification, section 2.3). Words are numbers;
// immediates are BigInt, sign-extended to 64 bits and held unsigned.

import { field, signExtend } from "./bits.ts";

export const opcodeOf = (word: number): number => field(word, 6, 0);
export const rdOf = (word: number): number => field(word, 11, 7);
export const rs1Of = (word: number): number => field(word, 19, 15);
export const rs2Of = (word: number): number => field(word, 24, 20);
export const rs3Of = (word: number): number => field(word, 31, 27);
export const funct3Of = (word: number): number => field(word, 14, 12);
export const funct7Of = (word: number): number => field(word, 31, 25);
export const csrOf = (word: number): number => word >>> 20;

export const immediateI = (word: number): bigint => signExtend(BigInt(word >>> 20), 12);

export const immediateS = (word: number): bigint =>
  signExtend(BigInt((funct7Of(word) << 5) | rdOf(word)), 12);

export const immediateB = (word: number): bigint =>
  signExtend(
    BigInt(
      (field(word, 31, 31) << 12) |
        (field(word, 7, 7) << 11) |
        (field(word, 30, 25) << 5) |
        (field(word, 11, 8) << 1),
    ),
    13,
  );

export const immediateU = (word: number): bigint =>
  signExtend(BigInt((word & 0xfffff000) >>> 0), 32);

export const immediateJ = (word: number): bigint =>
  signExtend(
    BigInt(
      (field(word, 31, 31) << 20) |
        (field(word, 19, 12) << 12) |
        (field(word, 20, 20) << 11) |
        (field(word, 30, 21) << 1),
    ),
    21,
  );

export const OPCODE = {
  load: 0x03,
  loadFp: 0x07,
  miscMem: 0x0f,
  opImm: 0x13,
  auipc: 0x17,
  opImm32: 0x1b,
  store: 0x23,
  storeFp: 0x27,
  amo: 0x2f,
  op: 0x33,
  lui: 0x37,
  op32: 0x3b,
  madd: 0x43,
  msub: 0x47,
  nmsub: 0x4b,
  nmadd: 0x4f,
  opFp: 0x53,
  branch: 0x63,
  jalr: 0x67,
  jal: 0x6f,
  system: 0x73,
} as const;
