// The door of the disassembler: machine code as the assembler writes it, without its abbreviations.

import { compressedText } from "./compressed.ts";
import { wideText } from "./wide.ts";

export { CONTROL_NAMES, FLOAT_NAMES, INTEGER_NAMES } from "./names.ts";

export interface DisassembledInstruction {
  readonly address: bigint;
  /** 2 or 4. */
  readonly bytes: number;
  /** The instruction itself, its lowest byte first in memory. */
  readonly word: number;
  readonly text: string;
}

/** The instruction at the start of `bytes`; null when it is cut off. */
export function disassemble(bytes: Uint8Array, address: bigint): DisassembledInstruction | null {
  if (bytes.length < 2) return null;
  const half = bytes[0]! | (bytes[1]! << 8);
  if ((half & 3) !== 3) {
    const text = compressedText(half, address) ?? `.half 0x${half.toString(16).padStart(4, "0")}`;
    return { address, bytes: 2, word: half, text };
  }
  if (bytes.length < 4) return null;
  const word = (half | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  const text = wideText(word, address) ?? `.word 0x${word.toString(16).padStart(8, "0")}`;
  return { address, bytes: 4, word, text };
}
