// What the compiled engine exports. Everything else it shares with its host lies in the linear memory: hart blocks
// (layout.ts), RAM and page flags.

import {
  HART_BYTES,
  HART_EXIT_KIND,
  HART_EXIT_LENGTH,
  HART_EXIT_REGISTER,
  HART_EXIT_VIRTUAL,
  HART_EXIT_WIDTH,
  HART_MIE,
  HART_PC,
  HART_PROGRESS,
  HART_SINK,
  HART_WAITING,
  PAGE_CODE,
  PAGE_DIRTY,
  PAGE_TABLE,
  STOP_BUDGET,
  STOP_WAIT,
} from "../layout";
import { CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS } from "../architecture";
import { finishLoad } from "./access";
import { interpret } from "./build/interpreter";
import { dropAllCode, dropPage, initialise, made } from "./code-cache";
import { exists, readCsr, writeCsr } from "./csr";
import { stepOver } from "./fetch";
import { ACTIVE, homeOf, layOut, pageFlags, ramPages, ramStart } from "./memory-map";
import { clearEvent, get, set, stopReason } from "./state";
import {
  clearTableFlags,
  flushAll,
  flushOwn,
  flushStores,
  flushTranslated,
  selectHart,
} from "./tlb";
import { pendingInterrupts, takeInterrupt, trap, tracedAccess } from "./trap";

export { addBreakpoint, addWatch, clearBreakpoints, clearWatches } from "./watches";

/** Prepares the memory: RAM of so many bytes, harts, decoded pages to keep. False when memory is short. */
export function create(ramBytes: u64, harts: i32, codeSlots: u32): bool {
  if (!layOut(ramBytes, harts, codeSlots)) return false;
  initialise();
  flushAll();
  clearEvent();
  return true;
}

export function ramAddress(): usize {
  return ramStart;
}

export function flagsAddress(): usize {
  return pageFlags;
}

export function hartAddress(hart: i32): usize {
  return homeOf(hart);
}

/** Brings a hart into the working block; `deactivate` takes it home. */
function activate(hart: i32): void {
  memory.copy(ACTIVE, homeOf(hart), HART_BYTES);
  selectHart(hart);
}

function deactivate(hart: i32): void {
  set(HART_SINK, 0);
  memory.copy(homeOf(hart), ACTIVE, HART_BYTES);
  clearEvent();
}

/** Why the last run ended: a STOP_ code. */
export let stop: i32 = STOP_BUDGET;

function runActive(budget: u32): u32 {
  stop = STOP_BUDGET;
  if (budget == 0) return 0;
  if (get(HART_WAITING) != 0) {
    if ((pendingInterrupts() & get(HART_MIE)) == 0) {
      stop = STOP_WAIT;
      return budget;
    }
    set(HART_WAITING, 0);
  }
  takeInterrupt();
  const left = interpret(budget);
  stop = stopReason;
  return left;
}

/** Runs a hart for at most `budget` instructions; returns how many it executed. `stop` says why it ended. */
export function run(hart: i32, budget: u32, overBreakpoint: bool): u32 {
  activate(hart);
  stepOver(overBreakpoint);
  const left = runActive(budget);
  deactivate(hart);
  return budget - left;
}

/** Completes the load or store that the hart stopped at. */
export function answer(hart: i32, value: u64): void {
  activate(hart);
  if (get(HART_EXIT_KIND) == 1)
    finishLoad(<u32>get(HART_EXIT_REGISTER), <u32>get(HART_EXIT_WIDTH), extended(value));
  set(HART_PC, get(HART_PC) + get(HART_EXIT_LENGTH));
  set(HART_PROGRESS, get(HART_PROGRESS) + 1);
  clearExit();
  deactivate(hart);
}

/** The low bytes of a loaded value, zero-extended. */
function extended(value: u64): u64 {
  const bits = (<u64>8) << (get(HART_EXIT_WIDTH) & 3);
  return bits == 64 ? value : value & (((<u64>1) << bits) - 1);
}

/** The load or store that the hart stopped at traps: nothing is there. */
export function refuse(hart: i32): void {
  activate(hart);
  const cause = get(HART_EXIT_KIND) == 1 ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS;
  const virtual = get(HART_EXIT_VIRTUAL);
  clearExit();
  set(HART_PROGRESS, get(HART_PROGRESS) + 1);
  trap(cause, virtual);
  deactivate(hart);
}

function clearExit(): void {
  memory.fill(ACTIVE + HART_EXIT_KIND, 0, HART_EXIT_LENGTH + 8 - HART_EXIT_KIND);
}

export function readRegister(hart: i32, number: u32): u64 {
  activate(hart);
  const value = readCsr(number);
  deactivate(hart);
  return value;
}

/** Whether the register of the last `readRegister` exists. */
export function registerExists(): bool {
  return exists;
}

export function writeRegister(hart: i32, number: u32, value: u64): void {
  activate(hart);
  writeCsr(number, value);
  deactivate(hart);
}

/** The host replaced a hart's block: what was cached for it may be wrong. */
export function hartReplaced(hart: i32): void {
  activate(hart);
  flushOwn();
  deactivate(hart);
}

/** The host wrote RAM: marks the pages dirty and drops what depended on them. */
export function ramWritten(offset: u32, size: u32): void {
  if (size == 0) return;
  let tables = false;
  for (let page = offset >> 12; page <= (offset + size - 1) >> 12; page++) {
    const flags = load<u8>(pageFlags + page);
    store<u8>(pageFlags + page, (flags & ~<u8>PAGE_TABLE) | PAGE_DIRTY);
    if (flags & PAGE_CODE) dropPage(page);
    if (flags & PAGE_TABLE) tables = true;
  }
  if (tables) flushTranslated();
  clearEvent();
}

/** Page and kind of the access that the last run stopped before: see trap.ts. */
export function traced(): u32 {
  return tracedAccess;
}

/** The host traces more pages than before: nothing may be known that passes them by. */
export function tracesAdded(): void {
  flushAll();
  clearEvent();
}

/** How many pages were decoded since the machine was made. */
export function decodedPages(): u32 {
  return made;
}

export function clearDirty(): void {
  flushStores();
  for (let page: u32 = 0; page < ramPages; page++)
    store<u8>(pageFlags + page, load<u8>(pageFlags + page) & ~(<u8>PAGE_DIRTY));
}

/** Forgets every translation and every decoded page. */
export function dropCaches(): void {
  flushAll();
  dropAllCode();
  flushStores();
  clearTableFlags();
  clearEvent();
}

/** The 32-bit instruction that a 16-bit one stands for, 0 when reserved: for tests against the reference. */
export { expand } from "./compressed";
