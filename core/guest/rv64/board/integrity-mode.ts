// Integrity mode of the harts while they execute: a hart in the mode executes one instruction at a time, so that it has
// left the mode before it executes anything that is not the driver's code.
//
// Must hold: an interrupt is seen before it is taken, a trap or a jump before the next instruction; an interrupted stay
// goes on only at its instruction, in its address space, with its registers.

import { hash64, hashHex } from "../../../kernel/index.ts";
import * as arch from "../architecture.ts";
import type { Engine } from "../engine.ts";
import {
  coversPage,
  INTEGRITY_PAGE_BYTES,
  type IntegrityFrame,
  interruptIntegrity,
  isInIntegrityMode,
  leaveIntegrity,
  resumeIntegrity,
} from "../../integrity/index.ts";
import { translateAddress } from "../inspection/page-tables.ts";
import * as layout from "../layout.ts";
import type { Surroundings } from "./surroundings.ts";

/** Where an address lies, from the start of RAM; null: nowhere in it, or the hart is not in supervisor mode. */
export function physicalPlace(engine: Engine, hart: number, address: bigint): number | null {
  if (engine.word(hart, layout.HART_PRIVILEGE) !== BigInt(layout.PRIVILEGE_S)) return null;
  const physical = translateAddress(engine, hart, address);
  if (physical === null) return null;
  const offset = physical - BigInt(layout.RAM_BASE);
  return offset >= 0n && offset < BigInt(engine.ramBytes) ? Number(offset) : null;
}

/** Whether the hart takes an interrupt before its next instruction (privileged specification 3.1.9). */
function isInterrupted(engine: Engine, hart: number): boolean {
  const word = (offset: number): bigint => engine.word(hart, offset);
  const ready = (word(layout.HART_MIP) | word(layout.HART_PINS)) & word(layout.HART_MIE);
  if (ready === 0n) return false;
  const delegated = word(layout.HART_MIDELEG);
  // In supervisor mode those of machine mode are always taken.
  const isEnabled = (word(layout.HART_MSTATUS) & BigInt(arch.MSTATUS_SIE)) !== 0n;
  return (ready & ~delegated) !== 0n || (isEnabled && (ready & delegated) !== 0n);
}

function frameOf(engine: Engine, hart: number, address: bigint): IntegrityFrame | null {
  const at = physicalPlace(engine, hart, address);
  if (at === null) return null;
  const registers = engine.readHart(hart).slice(layout.HART_X, layout.HART_X + 256);
  return { at, address: address.toString(16), registers: hashHex(hash64(registers)) };
}

/** Of the innermost interrupted stay of each hart: where it would go on. */
export function resumePoints({ state }: Surroundings): bigint[] {
  const points = new Set<bigint>();
  for (const { active, frames } of state.integrity?.modes ?? []) {
    const frame = frames.at(-1);
    if (!active && frame !== undefined) points.add(BigInt(`0x${frame.address}`));
  }
  return [...points];
}

/** Before a hart executes: it leaves the mode for an interrupt, or is back in it. Whether it is in it. */
export function enterMode(around: Surroundings, hart: number): boolean {
  const { engine, state } = around;
  const driver = state.integrity;
  if (driver === undefined) return false;
  const mode = driver.modes[hart]!;
  const pc = engine.word(hart, layout.HART_PC);
  if (mode.active) {
    // It may wake up anywhere.
    const sleeps = state.harts[hart] === "suspended";
    if (!sleeps && !isInterrupted(engine, hart)) return true;
    const frame = sleeps ? null : frameOf(engine, hart, pc);
    if (frame === null) leaveIntegrity(driver, hart);
    else interruptIntegrity(driver, hart, frame);
    around.integrityChanged();
    return false;
  }
  const last = mode.frames.at(-1);
  if (last === undefined || pc.toString(16) !== last.address) return false;
  if (isInterrupted(engine, hart)) return false;
  const frame = frameOf(engine, hart, pc);
  const isBack = frame !== null && resumeIntegrity(driver, hart, frame);
  if (isBack) around.integrityChanged();
  return isBack;
}

/** Behind an instruction that began at `pc`: a hart that goes on outside the driver's code has left the mode. */
export function checkMode(around: Surroundings, hart: number, pc: bigint): void {
  const { engine, state } = around;
  const driver = state.integrity;
  if (driver === undefined || !isInIntegrityMode(driver, hart)) return;
  const next = engine.word(hart, layout.HART_PC);
  const at = physicalPlace(engine, hart, next);
  if (at !== null && coversPage(driver.code, Math.floor(at / INTEGRITY_PAGE_BYTES))) return;
  // A trap: the instruction is repeated when its cause is mended. Everything else is a way out.
  const isTrap =
    engine.word(hart, layout.HART_SEPC) === pc &&
    (engine.word(hart, layout.HART_STVEC) & ~3n) === next;
  const frame = isTrap ? frameOf(engine, hart, pc) : null;
  if (frame === null) leaveIntegrity(driver, hart);
  else interruptIntegrity(driver, hart, frame);
  around.integrityChanged();
}
