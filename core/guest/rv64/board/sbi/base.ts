// SBI BASE: who the firmware is and what it can do.

import { answer, type Call, type Extension, NOT_SUPPORTED, SUCCESS } from "./call.ts";

/** Version 2.0. */
const SPECIFICATION = 2n << 24n;
/** Not in the list of registered implementations. */
const IMPLEMENTATION = 0x4f52n;

const ZERO_REGISTERS: ReadonlySet<bigint> = new Set([4n, 5n, 6n]);

/** `has` says whether an extension exists. */
export const base =
  (has: (extension: bigint) => boolean): Extension =>
  (call: Call) => {
    if (ZERO_REGISTERS.has(call.function)) return answer(SUCCESS);
    if (call.function === 0n) return answer(SUCCESS, SPECIFICATION);
    if (call.function === 1n) return answer(SUCCESS, IMPLEMENTATION);
    if (call.function === 2n) return answer(SUCCESS, 1n);
    if (call.function === 3n) return answer(SUCCESS, has(call.arguments[0]) ? 1n : 0n);
    return answer(NOT_SUPPORTED);
  };
