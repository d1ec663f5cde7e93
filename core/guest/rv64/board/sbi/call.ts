// How an SBI call looks from the host (RISC-V SBI specification 2.0, chapter 3): registers in, an error and a value out.

import type { Surroundings } from "../surroundings.ts";

export const SUCCESS = 0n;
export const NOT_SUPPORTED = -2n;
export const INVALID_PARAM = -3n;
export const DENIED = -4n;
export const INVALID_ADDRESS = -5n;
export const ALREADY_AVAILABLE = -6n;

export interface Call {
  readonly around: Surroundings;
  readonly hart: number;
  readonly function: bigint;
  /** a0 to a4, unsigned. */
  readonly arguments: readonly [bigint, bigint, bigint, bigint, bigint];
}

export interface Answer {
  readonly error: bigint;
  readonly value: bigint;
}

/** null: the call does not return (the hart stopped, or the machine). */
export type Extension = (call: Call) => Answer | null;

export const answer = (error: bigint, value = 0n): Answer => ({ error, value });

const ALL = (1n << 64n) - 1n;

/** The harts that a mask and its base name; null when one of them does not exist. */
export function hartsOf(call: Call, mask: bigint, base: bigint): readonly number[] | null {
  const { harts } = call.around.config;
  if (base === ALL) return Array.from({ length: harts }, (_, hart) => hart);
  const named: number[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (((mask >> BigInt(bit)) & 1n) === 0n) continue;
    const hart = base + BigInt(bit);
    if (hart >= BigInt(harts)) return null;
    named.push(Number(hart));
  }
  return named;
}
