// A hart as firmware hands it to a supervisor (SBI 2.0, 9.1; boot protocol of Linux on RISC-V): supervisor mode, interrupts
// and translation off, hart id in a0, an argument in a1. Traps that a supervisor can handle are delegated to it, counters
// are readable, all memory is allowed.

import { SUPERVISOR_INTERRUPTS } from "../architecture.ts";
import type { Engine } from "../engine.ts";
import { initialHart } from "../initial-state.ts";
import * as layout from "../layout.ts";

/** All but the calls of supervisor and machine mode, as firmware delegates them: causes 0 to 8, 12, 13, 15. */
const DELEGATED = 0xb1ffn;
const COUNTERS = 7n;
const EVERYTHING_NAPOT = 0x1f;
const HIGHEST_ADDRESS = (1n << 54n) - 1n;

/** The hart's counts go on, so that its clock does. */
const KEPT = [
  layout.HART_PROGRESS,
  layout.HART_TRAPPED,
  layout.HART_TIME_BASE,
  layout.HART_TIME_SINCE,
  layout.HART_TIME_NUMERATOR,
  layout.HART_TIME_DENOMINATOR,
  layout.HART_PINS,
] as const;

export function enterSupervisor(
  engine: Engine,
  hart: number,
  address: bigint,
  argument: bigint,
): void {
  const old = new DataView(engine.readHart(hart).buffer);
  const block = initialHart(hart, address);
  const view = new DataView(block.buffer);
  const put = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  for (const offset of KEPT) put(offset, old.getBigUint64(offset, true));
  put(layout.HART_PRIVILEGE, BigInt(layout.PRIVILEGE_S));
  put(layout.HART_FIRMWARE, 1n);
  put(layout.HART_X + 10 * 8, BigInt(hart));
  put(layout.HART_X + 11 * 8, argument);
  put(layout.HART_MEDELEG, DELEGATED);
  put(layout.HART_MIDELEG, BigInt(SUPERVISOR_INTERRUPTS));
  put(layout.HART_MCOUNTEREN, COUNTERS);
  // Firmware opens them for user mode as well: the C library reads the clock through `time`.
  put(layout.HART_SCOUNTEREN, COUNTERS);
  view.setUint8(layout.HART_PMPCFG, EVERYTHING_NAPOT);
  put(layout.HART_PMPADDR, HIGHEST_ADDRESS);
  engine.writeHart(hart, block);
}
