// Loads and stores, integer and floating point. Each returns what the machine must know afterwards: what memory was
// written. Illegal encodings are found before any access.

import { loadVirtual, storeVirtual } from "./access.ts";
import { signExtend, unsigned64 } from "./bits.ts";
import {
  funct3Of,
  immediateI,
  immediateS,
  OPCODE,
  opcodeOf,
  rdOf,
  rs1Of,
  rs2Of,
} from "./decode.ts";
import { floatingPointOn, writeFloat } from "./fpu.ts";
import type { Hart } from "./hart.ts";
import type { PhysicalMemory } from "./memory.ts";
import { BINARY32, BINARY64 } from "./softfloat/format.ts";

/** The access a load or store makes: funct3 names width and extension; registers from 32 on are floating point. */
export interface AccessPlan {
  readonly virtual: bigint;
  readonly width: number;
  readonly register: number;
  readonly value: bigint;
}

const isFloat = (word: number): boolean =>
  opcodeOf(word) === OPCODE.loadFp || opcodeOf(word) === OPCODE.storeFp;

/** What a load will access, or null when it is illegal. */
export function planLoad(hart: Hart, word: number): AccessPlan | null {
  const width = funct3Of(word);
  const float = isFloat(word);
  if (float ? (width !== 2 && width !== 3) || !floatingPointOn(hart) : width === 7) return null;
  const virtual = unsigned64(hart.x[rs1Of(word)]! + immediateI(word));
  return { virtual, width, register: rdOf(word) + (float ? 32 : 0), value: 0n };
}

/** What a store will access, or null when it is illegal. */
export function planStore(hart: Hart, word: number): AccessPlan | null {
  const width = funct3Of(word);
  const float = isFloat(word);
  if (float ? (width !== 2 && width !== 3) || !floatingPointOn(hart) : width > 3) return null;
  const virtual = unsigned64(hart.x[rs1Of(word)]! + immediateS(word));
  const value = float ? hart.f[rs2Of(word)]! : hart.x[rs2Of(word)]!;
  return { virtual, width, register: rs2Of(word) + (float ? 32 : 0), value };
}

const sizeOf = (width: number): number => 1 << (width & 3);

/** Puts a loaded value (its low bytes) into the register it is meant for. */
export function finishLoad(hart: Hart, width: number, register: number, value: bigint): void {
  if (register >= 32) {
    const format = width === 2 ? BINARY32 : BINARY64;
    writeFloat(hart, format, register - 32, BigInt.asUintN(format.width, value));
    return;
  }
  const bits = 8 * sizeOf(width);
  const extended = width < 4 ? signExtend(value, bits) : BigInt.asUintN(bits, value);
  if (register !== 0) hart.x[register] = extended;
}

export function executeLoad(hart: Hart, memory: PhysicalMemory, plan: AccessPlan): void {
  const value = loadVirtual(hart, memory, plan.virtual, sizeOf(plan.width));
  finishLoad(hart, plan.width, plan.register, value);
}

export const executeStore = (
  hart: Hart,
  memory: PhysicalMemory,
  plan: AccessPlan,
): ReturnType<typeof storeVirtual> =>
  storeVirtual(hart, memory, plan.virtual, sizeOf(plan.width), plan.value);
