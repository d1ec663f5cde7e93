// What happens to the machine from outside.

import { assert } from "../../../kernel/index.ts";
import type { BoardInput } from "./contract.ts";
import type { Surroundings } from "./surroundings.ts";
import { MOST_INPUT } from "./uart.ts";

function type(queue: number[], bytes: Uint8Array): void {
  const room = MOST_INPUT - queue.length;
  for (const byte of bytes.subarray(0, room)) queue.push(byte);
}

function isOrder(order: readonly number[], harts: number): boolean {
  return (
    order.length === harts && order.every((hart, i) => order.indexOf(hart) === i && hart < harts)
  );
}

export function takeInput({ state }: Surroundings, input: BoardInput): void {
  if (input.kind === "console") {
    if (input.port === "serial") type(state.uart.input, input.bytes);
  } else if (input.kind === "hart-order") {
    assert(isOrder(input.order, state.harts.length), "each hart once");
    state.schedule.nextOrder = [...input.order];
  }
}
