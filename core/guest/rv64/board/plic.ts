// The platform-level interrupt controller (RISC-V PLIC specification 1.0.0): 31 level-triggered sources, two contexts a hart
// (machine, supervisor). A gateway forwards one request at a time: the next when the last was completed.

import { SOURCES } from "./memory-map.ts";
import type { PlicState } from "./state.ts";
import type { Device } from "./surroundings.ts";

const PENDING = 0x1000;
const ENABLE = 0x2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x20_0000;
const CONTEXT_STRIDE = 0x1000;
const MOST_PRIORITY = 7;
/** Every source but 0, as a mask of 32 bits. */
const EXISTING = 0xffff_fffe;

/** Requests of sources whose line is up and whose last request is done. */
function forward(plic: PlicState): void {
  plic.pending = (plic.pending | (plic.level & ~plic.claimed)) >>> 0;
}

/** The line of a source rises or falls. */
export function setLevel(plic: PlicState, source: number, level: boolean): void {
  const bit = (1 << source) >>> 0;
  plic.level = (level ? plic.level | bit : plic.level & ~bit) >>> 0;
  if (level) forward(plic);
}

/** The source that a context would claim: highest priority, then lowest number; 0: none above the threshold. */
function best(plic: PlicState, context: number, threshold: number): number {
  const candidates = plic.pending & plic.enable[context]!;
  if (candidates === 0) return 0;
  let found = 0;
  for (let source = 1; source <= SOURCES; source++) {
    if (((candidates >>> source) & 1) === 0) continue;
    const priority = plic.priority[source]!;
    if (priority > threshold && (found === 0 || priority > plic.priority[found]!)) found = source;
  }
  return found;
}

/** Whether the interrupt line of a context is up. */
export const interrupts = (plic: PlicState, context: number): boolean =>
  best(plic, context, plic.threshold[context]!) !== 0;

/** Claims the best request, whatever the threshold (specification, chapter 8). */
function claim(plic: PlicState, context: number): number {
  const source = best(plic, context, 0);
  if (source === 0) return 0;
  const bit = (1 << source) >>> 0;
  plic.pending = (plic.pending & ~bit) >>> 0;
  plic.claimed = (plic.claimed | bit) >>> 0;
  return source;
}

/** A completion of a source that the context does not enable is ignored. */
function complete(plic: PlicState, context: number, source: number): void {
  if (source < 1 || source > SOURCES) return;
  const bit = (1 << source) >>> 0;
  if ((plic.enable[context]! & bit) === 0) return;
  plic.claimed = (plic.claimed & ~bit) >>> 0;
  forward(plic);
}

/** Registers are 32 bits wide. What stands for nothing reads as zero. */
export class Plic implements Device {
  readonly #state: () => PlicState;

  constructor(state: () => PlicState) {
    this.#state = state;
  }

  load(offset: number, bytes: number): bigint | null {
    return bytes === 4 ? BigInt(this.#read(offset)) : null;
  }

  #read(offset: number): number {
    const plic = this.#state();
    if (offset < PENDING) return plic.priority[offset >> 2] ?? 0;
    if (offset < ENABLE) return offset === PENDING ? plic.pending : 0;
    if (offset < CONTEXT) {
      const first = (offset - ENABLE) % ENABLE_STRIDE === 0;
      return first ? (plic.enable[(offset - ENABLE) / ENABLE_STRIDE] ?? 0) : 0;
    }
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
    if (plic.enable[context] === undefined) return 0;
    const register = (offset - CONTEXT) % CONTEXT_STRIDE;
    if (register === 0) return plic.threshold[context]!;
    return register === 4 ? claim(plic, context) : 0;
  }

  store(offset: number, bytes: number, value: bigint): boolean {
    if (bytes !== 4) return false;
    this.#write(offset, Number(value));
    return true;
  }

  #write(offset: number, value: number): void {
    const plic = this.#state();
    if (offset < PENDING) {
      const source = offset >> 2;
      if (source >= 1 && source <= SOURCES) plic.priority[source] = value & MOST_PRIORITY;
    } else if (offset >= ENABLE && offset < CONTEXT) {
      const context = (offset - ENABLE) / ENABLE_STRIDE;
      if (plic.enable[context] !== undefined) plic.enable[context] = (value & EXISTING) >>> 0;
    } else if (offset >= CONTEXT) {
      const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
      if (plic.enable[context] === undefined) return;
      const register = (offset - CONTEXT) % CONTEXT_STRIDE;
      if (register === 0) plic.threshold[context] = value & MOST_PRIORITY;
      else if (register === 4) complete(plic, context, value);
    }
  }
}
