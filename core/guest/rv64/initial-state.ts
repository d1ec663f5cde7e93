// The state of a hart at reset (privileged specification 3.4): machine mode, interrupts off, everything the
// specification leaves open is zero. Floating point starts enabled-off, translation off, no protection entry.

import * as layout from "./layout.ts";
import { PRIVILEGE_M } from "./layout.ts";

/** `time` advances once per this many instructions until the host says otherwise. */
export const DEFAULT_INSTRUCTIONS_PER_TICK = 100;

/** The block of hart `id` that starts at `entry`. */
export function initialHart(id: number, entry: bigint): Uint8Array {
  const block = new Uint8Array(layout.HART_BYTES);
  const view = new DataView(block.buffer);
  const put = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  put(layout.HART_PC, entry);
  put(layout.HART_PRIVILEGE, BigInt(PRIVILEGE_M));
  put(layout.HART_RESERVATION, (1n << 64n) - 1n);
  put(layout.HART_ID, BigInt(id));
  put(layout.HART_TIME_NUMERATOR, 1n);
  put(layout.HART_TIME_DENOMINATOR, BigInt(DEFAULT_INSTRUCTIONS_PER_TICK));
  return block;
}
