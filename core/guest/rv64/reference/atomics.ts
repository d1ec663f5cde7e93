// The A extension (unprivileged specification, chapter 8). Atomics work on RAM, naturally aligned; a reservation is the
// aligned eight bytes that lr read, by physical address, and is part of the state.

import * as arch from "../architecture.ts";
import { resolveRam } from "./access.ts";
import { signExtend, unsigned64 } from "./bits.ts";
import { funct3Of, rdOf, rs1Of, rs2Of } from "./decode.ts";
import type { Hart } from "./hart.ts";
import type { PhysicalMemory } from "./memory.ts";
import { Trap } from "./trap.ts";

export const NO_RESERVATION = (1n << 64n) - 1n;

const LOAD_RESERVED = 2;
const STORE_CONDITIONAL = 3;

/** The new value of a read-modify-write; operands are of `bits` bits, unsigned. Null for an unknown function. */
function combine(kind: number, bits: number, old: bigint, operand: bigint): bigint | null {
  const signedOld = BigInt.asIntN(bits, old);
  const signedOperand = BigInt.asIntN(bits, operand);
  switch (kind) {
    case 0:
      return old + operand;
    case 1:
      return operand;
    case 4:
      return old ^ operand;
    case 8:
      return old | operand;
    case 12:
      return old & operand;
    case 16:
      return signedOld < signedOperand ? old : operand;
    case 20:
      return signedOld > signedOperand ? old : operand;
    case 24:
      return old < operand ? old : operand;
    case 28:
      return old > operand ? old : operand;
    default:
      return null;
  }
}

/** What an atomic wrote, so that watched addresses are noticed; null when it wrote nothing. */
export type AtomicOutcome =
  | { readonly legal: false }
  | { readonly legal: true; readonly written: bigint | null; readonly size: number };

const ILLEGAL: AtomicOutcome = { legal: false };

function writeRegister(hart: Hart, register: number, value: bigint): void {
  if (register !== 0) hart.x[register] = unsigned64(value);
}

function storeConditional(
  hart: Hart,
  memory: PhysicalMemory,
  word: number,
  size: number,
): AtomicOutcome {
  const virtual = hart.x[rs1Of(word)]!;
  const reserved = hart.reservation;
  let written: bigint | null = null;
  if (reserved !== NO_RESERVATION) {
    const physical = resolveRam(hart, memory, virtual, size, "store");
    if ((physical & ~7n) === reserved) {
      memory.write(physical, size, hart.x[rs2Of(word)]!);
      written = physical;
    }
  }
  hart.reservation = NO_RESERVATION;
  writeRegister(hart, rdOf(word), written === null ? 1n : 0n);
  return { legal: true, written, size };
}

export function executeAtomic(hart: Hart, memory: PhysicalMemory, word: number): AtomicOutcome {
  const funct3 = funct3Of(word);
  if (funct3 !== 2 && funct3 !== 3) return ILLEGAL;
  const size = 1 << funct3;
  const bits = 8 * size;
  const kind = word >>> 27;
  const virtual = hart.x[rs1Of(word)]!;
  if (kind === LOAD_RESERVED && rs2Of(word) !== 0) return ILLEGAL;
  const known =
    kind === LOAD_RESERVED || kind === STORE_CONDITIONAL || combine(kind, bits, 0n, 0n) !== null;
  if (!known) return ILLEGAL;
  if ((virtual & BigInt(size - 1)) !== 0n) {
    const misaligned =
      kind === LOAD_RESERVED ? arch.CAUSE_LOAD_MISALIGNED : arch.CAUSE_STORE_MISALIGNED;
    throw new Trap(misaligned, virtual);
  }
  if (kind === LOAD_RESERVED) {
    const physical = resolveRam(hart, memory, virtual, size, "load");
    hart.reservation = physical & ~7n;
    writeRegister(hart, rdOf(word), signExtend(memory.read(physical, size), bits));
    return { legal: true, written: null, size };
  }
  if (kind === STORE_CONDITIONAL) return storeConditional(hart, memory, word, size);

  const operand = BigInt.asUintN(bits, hart.x[rs2Of(word)]!);
  const physical = resolveRam(hart, memory, virtual, size, "store");
  const old = memory.read(physical, size);
  const value = combine(kind, bits, old, operand);
  if (value === null) return ILLEGAL;
  memory.write(physical, size, BigInt.asUintN(bits, value));
  writeRegister(hart, rdOf(word), signExtend(old, bits));
  return { legal: true, written: physical, size };
}
