/** The running hash and length of everything a guest put out; part of its record. */
import { canonicalHash, hashHex, type PlainObject } from "../kernel/index.ts";

export type OutputHash = {
  /** 16 hexadecimal digits. */
  readonly hash: string;
  readonly bytes: number;
  readonly outputs: number;
};

export const NO_OUTPUT: OutputHash = { hash: "0".repeat(16), bytes: 0, outputs: 0 };

/** The hash with the outputs of one more step: a chain over canonical bytes, step by step. */
export function withOutputs(before: OutputHash, outputs: readonly PlainObject[]): OutputHash {
  if (outputs.length === 0) return before;
  const { hash, bytes } = canonicalHash(outputs, BigInt(`0x${before.hash}`));
  return {
    hash: hashHex(hash),
    bytes: before.bytes + bytes,
    outputs: before.outputs + outputs.length,
  };
}
