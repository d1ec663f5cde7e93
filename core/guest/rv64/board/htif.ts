// The host-target interface of bare-metal programs: a store to `tohost` ends the program (odd value: exit code shifted left
// by one) or prints a byte (device 1, command 1); a byte printed is acknowledged by setting the word to zero.

import { RAM_BASE } from "../layout.ts";
import { announce } from "./host-access.ts";
import type { Surroundings } from "./surroundings.ts";

const PRINT = 0x0101n;

/** Looks at `tohost` after a store to it. */
export function attendToHost(around: Surroundings): void {
  const { engine, state } = around;
  if (state.tohost === null) return;
  const offset = state.tohost - RAM_BASE;
  const { buffer, byteOffset } = engine.ram;
  const value = new DataView(buffer, byteOffset + offset, 8).getBigUint64(0, true);
  if (value >> 48n === PRINT) {
    announce(engine, offset, 8, true);
    engine.writeRam(offset, new Uint8Array(8));
    around.print("serial", [Number(value & 0xffn)]);
  } else if ((value & 1n) === 1n) around.halt({ kind: "exit", code: (value >> 1n).toString() });
}
