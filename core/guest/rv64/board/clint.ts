// The core-local interruptor (RISC-V ACLINT specification 1.0: MTIMER and MSWI as one device): software interrupts, the
// clock and a deadline for each hart. The clock is a function of progress alone, so the instant at which a deadline passes
// is known beforehand and needs no event from outside.

import { timeRatio } from "./config.ts";
import type { ClintState } from "./state.ts";
import type { Device, Surroundings } from "./surroundings.ts";

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;
const MASK = (1n << 64n) - 1n;

export const fromHex = (text: string): bigint => BigInt(`0x${text}`);
export const toHex = (value: bigint): string => (value & MASK).toString(16);

/** The clock at a progress. */
export function mtimeAt({ config, state }: Surroundings, progress: number): bigint {
  const { numerator, denominator } = timeRatio(config);
  return (fromHex(state.clint.offset) + (BigInt(progress) * numerator) / denominator) & MASK;
}

/** First progress at which the clock has reached `deadline`; infinite when that is out of reach. */
export function progressOf({ config, state }: Surroundings, deadline: bigint): number {
  const { numerator, denominator } = timeRatio(config);
  const offset = fromHex(state.clint.offset);
  if (deadline <= offset) return 0;
  const progress = ((deadline - offset) * denominator + numerator - 1n) / numerator;
  return progress <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(progress) : Infinity;
}

/** Part of a 64-bit register: all of it, or one of its halves. */
function partOf(value: bigint, offset: number, bytes: number): bigint | null {
  if (bytes === 8 && offset % 8 === 0) return value;
  if (bytes !== 4) return null;
  return offset % 8 === 0 ? value & 0xffff_ffffn : value >> 32n;
}

function withPart(old: bigint, offset: number, bytes: number, part: bigint): bigint | null {
  if (bytes === 8 && offset % 8 === 0) return part;
  if (bytes !== 4) return null;
  return offset % 8 === 0 ? (old & ~0xffff_ffffn) | part : (old & 0xffff_ffffn) | (part << 32n);
}

export class Clint implements Device {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get #state(): ClintState {
    return this.#around.state.clint;
  }

  #now(): bigint {
    return mtimeAt(this.#around, this.#around.state.progress);
  }

  /** Index of the hart whose register stands at an offset; null when there is no such hart. */
  #hartAt(offset: number, first: number, stride: number): number | null {
    const hart = Math.floor((offset - first) / stride);
    return offset >= first && hart < this.#around.config.harts ? hart : null;
  }

  load(offset: number, bytes: number): bigint | null {
    if (offset >= MTIME) return partOf(this.#now(), offset - MTIME, bytes);
    if (offset >= MTIMECMP) {
      const hart = this.#hartAt(offset, MTIMECMP, 8);
      return partOf(hart === null ? 0n : fromHex(this.#state.mtimecmp[hart]!), offset, bytes);
    }
    const hart = this.#hartAt(offset, 0, 4);
    if (bytes !== 4) return null;
    return hart !== null && this.#state.msip[hart] === true ? 1n : 0n;
  }

  store(offset: number, bytes: number, value: bigint): boolean {
    if (offset >= MTIME) return this.#setTime(offset - MTIME, bytes, value);
    if (offset >= MTIMECMP) {
      const hart = this.#hartAt(offset, MTIMECMP, 8);
      const old = hart === null ? 0n : fromHex(this.#state.mtimecmp[hart]!);
      const next = withPart(old, offset, bytes, value);
      if (next === null) return false;
      if (hart !== null) this.#state.mtimecmp[hart] = toHex(next);
      return true;
    }
    if (bytes !== 4) return false;
    const hart = this.#hartAt(offset, 0, 4);
    if (hart !== null) this.#state.msip[hart] = (value & 1n) === 1n;
    return true;
  }

  #setTime(offset: number, bytes: number, value: bigint): boolean {
    if (offset >= 8) return false;
    const now = this.#now();
    const next = withPart(now, offset, bytes, value);
    if (next === null) return false;
    this.#state.offset = toHex(fromHex(this.#state.offset) + next - now);
    return true;
  }
}
