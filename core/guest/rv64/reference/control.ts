// Branches and jumps: where the program counter goes. With the C extension every even address is a legal target.

import { signed64, unsigned64 } from "./bits.ts";
import { funct3Of, immediateB, immediateI, immediateJ, OPCODE, opcodeOf } from "./decode.ts";

/** Whether a branch is taken; null for an encoding that means nothing. */
export function branchTaken(word: number, a: bigint, b: bigint): boolean | null {
  switch (funct3Of(word)) {
    case 0:
      return a === b;
    case 1:
      return a !== b;
    case 4:
      return signed64(a) < signed64(b);
    case 5:
      return signed64(a) >= signed64(b);
    case 6:
      return a < b;
    case 7:
      return a >= b;
    default:
      return null;
  }
}

export const branchTarget = (word: number, pc: bigint): bigint => unsigned64(pc + immediateB(word));

/** Target of jal, or of jalr with the value of rs1. */
export const jumpTarget = (word: number, pc: bigint, base: bigint): bigint =>
  opcodeOf(word) === OPCODE.jal
    ? unsigned64(pc + immediateJ(word))
    : unsigned64(base + immediateI(word)) & ~1n;
