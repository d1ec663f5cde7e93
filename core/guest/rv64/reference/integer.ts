// Integer computation: OP, OP-IMM and their 32-bit forms with the M extension (unprivileged specification, chapters 2, 5
// and 7). Each function returns the value for rd, or null for an encoding that means nothing.

import { MASK64, signed64, signExtend32, unsigned64 } from "./bits.ts";
import { funct3Of, funct7Of, immediateI } from "./decode.ts";

const compare = (condition: boolean): bigint => (condition ? 1n : 0n);

function arithmetic(funct3: number, a: bigint, b: bigint): bigint {
  switch (funct3) {
    case 0:
      return unsigned64(a + b);
    case 1:
      return unsigned64(a << (b & 63n));
    case 2:
      return compare(signed64(a) < signed64(b));
    case 3:
      return compare(a < b);
    case 4:
      return a ^ b;
    case 5:
      return a >> (b & 63n);
    case 6:
      return a | b;
    default:
      return a & b;
  }
}

const shiftRightArithmetic = (a: bigint, b: bigint): bigint => unsigned64(signed64(a) >> (b & 63n));

/** M extension on 64 bits. Division by zero gives all ones and the dividend; overflow gives the dividend and zero. */
function multiplyDivide(funct3: number, a: bigint, b: bigint): bigint {
  const sa = signed64(a);
  const sb = signed64(b);
  switch (funct3) {
    case 0:
      return unsigned64(a * b);
    case 1:
      return unsigned64((sa * sb) >> 64n);
    case 2:
      return unsigned64((sa * b) >> 64n);
    case 3:
      return (a * b) >> 64n;
    case 4:
      return b === 0n ? MASK64 : unsigned64(sa / sb);
    case 5:
      return b === 0n ? MASK64 : a / b;
    case 6:
      return b === 0n ? a : unsigned64(sa % sb);
    default:
      return b === 0n ? a : a % b;
  }
}

/** OP: register with register. */
export function operate(word: number, a: bigint, b: bigint): bigint | null {
  const funct3 = funct3Of(word);
  switch (funct7Of(word)) {
    case 0x00:
      return arithmetic(funct3, a, b);
    case 0x01:
      return multiplyDivide(funct3, a, b);
    case 0x20:
      if (funct3 === 0) return unsigned64(a - b);
      return funct3 === 5 ? shiftRightArithmetic(a, b) : null;
    default:
      return null;
  }
}

/** OP-IMM: register with immediate. Shifts take six bits and check the rest. */
export function operateImmediate(word: number, a: bigint): bigint | null {
  const funct3 = funct3Of(word);
  const immediate = immediateI(word);
  if (funct3 !== 1 && funct3 !== 5) return arithmetic(funct3, a, immediate);
  const kind = word >>> 26;
  if (kind === 0) return arithmetic(funct3, a, immediate);
  return kind === 0x10 && funct3 === 5 ? shiftRightArithmetic(a, immediate) : null;
}

const low32 = (value: bigint): bigint => value & 0xffffffffn;

function arithmetic32(funct3: number, a: bigint, b: bigint): bigint | null {
  switch (funct3) {
    case 0:
      return signExtend32(a + b);
    case 1:
      return signExtend32(a << (b & 31n));
    case 5:
      return signExtend32(low32(a) >> (b & 31n));
    default:
      return null;
  }
}

const shiftRightArithmetic32 = (a: bigint, b: bigint): bigint =>
  signExtend32(BigInt.asIntN(32, a) >> (b & 31n));

function multiplyDivide32(funct3: number, a: bigint, b: bigint): bigint | null {
  const sa = BigInt.asIntN(32, a);
  const sb = BigInt.asIntN(32, b);
  switch (funct3) {
    case 0:
      return signExtend32(sa * sb);
    case 4:
      return sb === 0n ? MASK64 : signExtend32(sa / sb);
    case 5:
      return sb === 0n ? MASK64 : signExtend32(low32(a) / low32(b));
    case 6:
      return signExtend32(sb === 0n ? sa : sa % sb);
    case 7:
      return signExtend32(sb === 0n ? sa : low32(a) % low32(b));
    default:
      return null;
  }
}

/** OP-32: the low halves, result sign-extended. */
export function operate32(word: number, a: bigint, b: bigint): bigint | null {
  const funct3 = funct3Of(word);
  switch (funct7Of(word)) {
    case 0x00:
      return arithmetic32(funct3, a, b);
    case 0x01:
      return multiplyDivide32(funct3, a, b);
    case 0x20:
      if (funct3 === 0) return signExtend32(a - b);
      return funct3 === 5 ? shiftRightArithmetic32(a, b) : null;
    default:
      return null;
  }
}

/** OP-IMM-32: addiw and the word shifts. */
export function operateImmediate32(word: number, a: bigint): bigint | null {
  const funct3 = funct3Of(word);
  const immediate = immediateI(word);
  if (funct3 === 0) return signExtend32(a + immediate);
  if (funct3 !== 1 && funct3 !== 5) return null;
  const kind = funct7Of(word);
  if (kind === 0) return arithmetic32(funct3, a, immediate);
  return kind === 0x20 && funct3 === 5 ? shiftRightArithmetic32(a, immediate) : null;
}
