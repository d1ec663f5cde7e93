// SBI SRST, DBCN and the reports of this machine's guests about their life: what concerns the machine as a whole.

import { announce } from "../host-access.ts";
import * as layout from "../../layout.ts";
import type { LifecycleEvent } from "../contract.ts";
import {
  answer,
  type Call,
  type Extension,
  INVALID_PARAM,
  NOT_SUPPORTED,
  SUCCESS,
} from "./call.ts";

const REASONS = ["none", "system-failure"] as const;

export const srst: Extension = ({ around, function: number, arguments: [type, reason] }) => {
  if (number !== 0n) return answer(NOT_SUPPORTED);
  // Both are 32 bits wide. From 0xf0000000 on they belong to the platform, which has none.
  const kind = type & 0xffff_ffffn;
  const why = REASONS[Number(reason & 0xffff_ffffn)];
  if (kind > 2n || why === undefined) return answer(INVALID_PARAM);
  around.halt({ kind: kind === 0n ? "power-off" : "reset", reason: why });
  return null;
};

/** One call writes at most so many bytes; the caller calls again for the rest. */
const MOST_WRITTEN = 1024;

/** Offset in RAM of a range given by length and address; null when any of it lies outside. */
function rangeOf(call: Call): { readonly offset: number; readonly bytes: number } | null {
  const [length, low, high] = call.arguments;
  const offset = low - BigInt(layout.RAM_BASE);
  const { ramBytes } = call.around.engine;
  if (high !== 0n || offset < 0n || offset + length > BigInt(ramBytes)) return null;
  return { offset: Number(offset), bytes: Math.min(Number(length), MOST_WRITTEN) };
}

/** The debug console is the UART's port. */
export const dbcn: Extension = (call) => {
  const { around, function: number } = call;
  if (number === 2n) {
    around.print("serial", [Number(call.arguments[0] & 0xffn)]);
    return answer(SUCCESS);
  }
  if (number > 2n) return answer(NOT_SUPPORTED);
  const range = rangeOf(call);
  if (range === null) return answer(INVALID_PARAM);
  const { offset, bytes } = range;
  if (number === 0n) {
    announce(around.engine, offset, bytes, false);
    around.print("serial", around.engine.ram.slice(offset, offset + bytes));
    return answer(SUCCESS, BigInt(bytes));
  }
  const typed = around.state.uart.input.splice(0, bytes);
  announce(around.engine, offset, typed.length, true);
  around.engine.writeRam(offset, Uint8Array.from(typed));
  return answer(SUCCESS, BigInt(typed.length));
};

const EVENTS: readonly LifecycleEvent[] = [
  "preboot",
  "postboot",
  "application-start",
  "application-exit",
  "shutdown",
];

/** Function 0: the guest says where it stands in its life, by the number of the event. */
export const lifecycle: Extension = ({ around, function: number, arguments: [code] }) => {
  if (number !== 0n) return answer(NOT_SUPPORTED);
  const event = EVENTS[Number(code & 0xffn)];
  if (event === undefined || code > 0xffn) return answer(INVALID_PARAM);
  around.emit({ kind: "lifecycle", event });
  return answer(SUCCESS);
};
