// What the next instruction of a hart does to memory, read off its registers before it does it.

import type { Engine } from "../engine.ts";
import * as layout from "../layout.ts";
import {
  expandCompressed,
  funct3Of,
  immediateI,
  immediateS,
  OPCODE,
  opcodeOf,
  rs1Of,
} from "../reference/index.ts";
import { translateAddress } from "./page-tables.ts";

export interface MemoryAccess {
  readonly reads: boolean;
  readonly writes: boolean;
  /** Virtual. */
  readonly address: bigint;
  readonly bytes: number;
}

const LOAD_RESERVED = 2;
const STORE_CONDITIONAL = 3;

/**
 * Physical address behind a virtual one, as the mode of the hart has it; null when nothing is mapped
 * there.
 */
export function addressOf(engine: Engine, hart: number, virtual: bigint): bigint | null {
  const mode = Number(engine.word(hart, layout.HART_PRIVILEGE));
  return mode === layout.PRIVILEGE_M ? virtual : translateAddress(engine, hart, virtual);
}

function halfwordAt(engine: Engine, hart: number, virtual: bigint): number | null {
  const physical = addressOf(engine, hart, virtual);
  if (physical === null) return null;
  const offset = physical - BigInt(layout.RAM_BASE);
  if (offset < 0n || offset + 2n > BigInt(engine.ramBytes)) return null;
  const at = Number(offset);
  return engine.ram[at]! | (engine.ram[at + 1]! << 8);
}

/** The instruction at the program counter, expanded; null when there is none. */
function nextWord(engine: Engine, hart: number): number | null {
  const pc = engine.word(hart, layout.HART_PC);
  const low = halfwordAt(engine, hart, pc);
  if (low === null) return null;
  if ((low & 3) !== 3) return expandCompressed(low);
  const high = halfwordAt(engine, hart, pc + 2n);
  return high === null ? null : ((high << 16) | low) >>> 0;
}

/** Virtual addresses that the next step of a hart needs: its data, then its instruction. */
export function addressesOfNext(engine: Engine, hart: number): bigint[] {
  const access = nextAccess(engine, hart);
  const pc = engine.word(hart, layout.HART_PC);
  // An instruction may reach over the end of a page.
  const code = [pc, BigInt.asUintN(64, pc + 2n)];
  return access === null ? code : [access.address, ...code];
}

/** null when it does nothing to memory. A store that will fail (`sc`) counts as one. */
export function nextAccess(engine: Engine, hart: number): MemoryAccess | null {
  const word = nextWord(engine, hart);
  if (word === null) return null;
  const base = engine.word(hart, layout.HART_X + 8 * rs1Of(word));
  const at = (offset: bigint): bigint => BigInt.asUintN(64, base + offset);
  const bytes = 1 << (funct3Of(word) & 3);
  switch (opcodeOf(word)) {
    case OPCODE.load:
    case OPCODE.loadFp:
      return { reads: true, writes: false, address: at(immediateI(word)), bytes };
    case OPCODE.store:
    case OPCODE.storeFp:
      return { reads: false, writes: true, address: at(immediateS(word)), bytes };
    case OPCODE.amo: {
      const kind = word >>> 27;
      const reads = kind !== STORE_CONDITIONAL;
      return { reads, writes: kind !== LOAD_RESERVED, address: at(0n), bytes };
    }
    default:
      return null;
  }
}
