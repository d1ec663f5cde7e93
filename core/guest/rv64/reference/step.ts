// One instruction of the reference engine: fetch, expand, execute. Everything an instruction does happens here; what it
// leaves to the machine is in the outcome.

import { CAUSE_ILLEGAL } from "../architecture.ts";
import { fetchHalfword } from "./access.ts";
import { executeAtomic } from "./atomics.ts";
import { unsigned64 } from "./bits.ts";
import { expandCompressed } from "./compressed.ts";
import { branchTaken, branchTarget, jumpTarget } from "./control.ts";
import { funct3Of, immediateU, OPCODE, opcodeOf, rdOf, rs1Of, rs2Of } from "./decode.ts";
import { executeFloat, executeFused } from "./fpu.ts";
import type { Hart } from "./hart.ts";
import { operate, operate32, operateImmediate, operateImmediate32 } from "./integer.ts";
import { executeLoad, executeStore, planLoad, planStore } from "./loads-stores.ts";
import type { AccessPlan } from "./loads-stores.ts";
import type { PhysicalMemory } from "./memory.ts";
import { executeSystem } from "./system.ts";
import { Trap } from "./trap.ts";

export interface Fetched {
  /** The 32-bit instruction, expanded when it was compressed. */
  readonly word: number;
  /** As it stands in memory: what mtval shows when it is illegal. */
  readonly raw: number;
  readonly length: 2 | 4;
}

export interface PhysicalRange {
  readonly physical: bigint;
  readonly size: number;
}

export type StepOutcome =
  | { readonly kind: "done"; readonly written: readonly PhysicalRange[] }
  | { readonly kind: "firmware" }
  | { readonly kind: "ebreak" };

const DONE: StepOutcome = { kind: "done", written: [] };

/** Fetches at the program counter, halfword by halfword. */
export function fetch(hart: Hart, memory: PhysicalMemory): Fetched {
  const low = fetchHalfword(hart, memory, hart.pc);
  if ((low & 3) === 3) {
    const high = fetchHalfword(hart, memory, unsigned64(hart.pc + 2n));
    const word = ((high << 16) | low) >>> 0;
    return { word, raw: word, length: 4 };
  }
  const word = expandCompressed(low);
  if (word === null) throw new Trap(CAUSE_ILLEGAL, BigInt(low));
  return { word, raw: low, length: 2 };
}

/** The memory access of a load or store, so that a device access can be suspended; null for other instructions. */
export function accessPlan(
  hart: Hart,
  word: number,
): { readonly kind: "load" | "store"; readonly plan: AccessPlan } | null {
  const opcode = opcodeOf(word);
  const load = opcode === OPCODE.load || opcode === OPCODE.loadFp;
  const store = opcode === OPCODE.store || opcode === OPCODE.storeFp;
  if (!load && !store) return null;
  const plan = load ? planLoad(hart, word) : planStore(hart, word);
  return plan === null ? null : { kind: load ? "load" : "store", plan };
}

/** Instructions that only compute rd from registers and immediate; undefined for all others, null when illegal. */
function computed(hart: Hart, word: number): bigint | null | undefined {
  const a = hart.x[rs1Of(word)]!;
  const b = hart.x[rs2Of(word)]!;
  switch (opcodeOf(word)) {
    case OPCODE.lui:
      return immediateU(word);
    case OPCODE.auipc:
      return unsigned64(hart.pc + immediateU(word));
    case OPCODE.op:
      return operate(word, a, b);
    case OPCODE.op32:
      return operate32(word, a, b);
    case OPCODE.opImm:
      return operateImmediate(word, a);
    case OPCODE.opImm32:
      return operateImmediate32(word, a);
    default:
      return undefined;
  }
}

/** Branches and jumps; returns the next program counter, null when illegal, undefined for other instructions. */
function jumped(hart: Hart, word: number, next: bigint): bigint | null | undefined {
  const a = hart.x[rs1Of(word)]!;
  const rd = rdOf(word);
  switch (opcodeOf(word)) {
    case OPCODE.branch: {
      const taken = branchTaken(word, a, hart.x[rs2Of(word)]!);
      if (taken === null) return null;
      return taken ? branchTarget(word, hart.pc) : next;
    }
    case OPCODE.jalr:
      if (funct3Of(word) !== 0) return null;
      if (rd !== 0) hart.x[rd] = next;
      return jumpTarget(word, hart.pc, a);
    case OPCODE.jal:
      if (rd !== 0) hart.x[rd] = next;
      return jumpTarget(word, hart.pc, 0n);
    default:
      return undefined;
  }
}

/** Loads, stores, atomics, fences, floating point; false when illegal. */
function executeRest(hart: Hart, memory: PhysicalMemory, word: number): StepOutcome | null {
  switch (opcodeOf(word)) {
    case OPCODE.load:
    case OPCODE.loadFp: {
      const plan = planLoad(hart, word);
      if (plan === null) return null;
      executeLoad(hart, memory, plan);
      return DONE;
    }
    case OPCODE.store:
    case OPCODE.storeFp: {
      const plan = planStore(hart, word);
      return plan === null ? null : { kind: "done", written: executeStore(hart, memory, plan) };
    }
    case OPCODE.amo: {
      const outcome = executeAtomic(hart, memory, word);
      if (!outcome.legal) return null;
      if (outcome.written === null) return DONE;
      return { kind: "done", written: [{ physical: outcome.written, size: outcome.size }] };
    }
    case OPCODE.miscMem:
      return funct3Of(word) <= 1 ? DONE : null;
    case OPCODE.madd:
    case OPCODE.msub:
    case OPCODE.nmsub:
    case OPCODE.nmadd:
      return executeFused(hart, word) ? DONE : null;
    case OPCODE.opFp:
      return executeFloat(hart, word) ? DONE : null;
    default:
      return null;
  }
}

/** Executes a fetched instruction and moves the program counter. Throws `Trap` or `DeviceAccess`. */
export function execute(hart: Hart, memory: PhysicalMemory, fetched: Fetched): StepOutcome {
  const { word } = fetched;
  const illegal = (): Trap => new Trap(CAUSE_ILLEGAL, BigInt(fetched.raw));
  const next = unsigned64(hart.pc + BigInt(fetched.length));

  const value = computed(hart, word);
  if (value === null) throw illegal();
  if (value !== undefined) {
    if (rdOf(word) !== 0) hart.x[rdOf(word)] = value;
    hart.pc = next;
    return DONE;
  }
  const target = jumped(hart, word, next);
  if (target === null) throw illegal();
  if (target !== undefined) {
    hart.pc = target;
    return DONE;
  }
  if (opcodeOf(word) === OPCODE.system) {
    const outcome = executeSystem(hart, word);
    if (outcome === "illegal") throw illegal();
    if (outcome === "ebreak") return { kind: "ebreak" };
    if (outcome !== "jumped") hart.pc = next;
    return outcome === "firmware" ? { kind: "firmware" } : DONE;
  }
  const outcome = executeRest(hart, memory, word);
  if (outcome === null) throw illegal();
  hart.pc = next;
  return outcome;
}
