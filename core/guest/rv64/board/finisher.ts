// The test finisher of QEMU's virt machine, which Linux knows as syscon power-off and reset: one word that ends the machine.

import type { Device, Surroundings } from "./surroundings.ts";

const FAIL = 0x3333;
export const POWER_OFF = 0x5555;
export const RESET = 0x7777;

export class Finisher implements Device {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  load(_offset: number, bytes: number): bigint | null {
    return bytes <= 4 ? 0n : null;
  }

  store(offset: number, bytes: number, value: bigint): boolean {
    if (bytes !== 4 && bytes !== 2) return false;
    if (offset !== 0) return true;
    const code = Number(value & 0xffffn);
    if (code === POWER_OFF) this.#around.halt({ kind: "power-off", reason: "none" });
    else if (code === RESET) this.#around.halt({ kind: "reset", reason: "none" });
    else if (code === FAIL) this.#around.halt({ kind: "exit", code: (value >> 16n).toString() });
    return true;
  }
}
