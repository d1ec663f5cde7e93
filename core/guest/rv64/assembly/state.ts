// The state of the running hart, by the offsets of layout.ts, and what a running instruction reports to the loop.

import {
  HART_F,
  HART_MSTATUS,
  HART_PRIVILEGE,
  HART_X,
  PRIVILEGE_S,
  RAM_BASE,
} from "../layout";
import { MSTATUS_FS, MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV } from "../architecture";
import { ACTIVE, ramBytes, ramStart } from "./memory-map";

@inline export function get(offset: usize): u64 {
  return load<u64>(ACTIVE + offset);
}

@inline export function set(offset: usize, value: u64): void {
  store<u64>(ACTIVE + offset, value);
}

@inline export function x(register: u32): u64 {
  return load<u64>(ACTIVE + HART_X + (<usize>register << 3));
}

/** Writes an integer register; x0 stays zero. */
@inline export function setX(register: u32, value: u64): void {
  if (register != 0) store<u64>(ACTIVE + HART_X + (<usize>register << 3), value);
}

@inline export function f(register: u32): u64 {
  return load<u64>(ACTIVE + HART_F + (<usize>register << 3));
}

@inline export function markFloatDirty(): void {
  set(HART_MSTATUS, get(HART_MSTATUS) | MSTATUS_FS);
}

@inline export function setF(register: u32, value: u64): void {
  store<u64>(ACTIVE + HART_F + (<usize>register << 3), value);
  markFloatDirty();
}

@inline export function privilege(): u32 {
  return <u32>get(HART_PRIVILEGE);
}

@inline export function status(bit: u64): bool {
  return (get(HART_MSTATUS) & bit) != 0;
}

/** The privilege of loads and stores: MPP while mstatus.MPRV is set. */
export function dataPrivilege(): u32 {
  if (!status(MSTATUS_MPRV)) return privilege();
  return <u32>((get(HART_MSTATUS) & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT);
}

@inline export function inSupervisor(): bool {
  return privilege() == PRIVILEGE_S;
}

@inline export function isRam(physical: u64): bool {
  return physical - <u64>RAM_BASE < ramBytes;
}

/** Where a byte of RAM lies in the linear memory. */
@inline export function hostOf(physical: u64): usize {
  return <usize>(physical - <u64>RAM_BASE) + ramStart;
}

/** Physical address of a byte of RAM, from its place in the linear memory. */
@inline export function physicalOf(host: usize): u64 {
  return <u64>(host - ramStart) + <u64>RAM_BASE;
}

@inline export function pageOf(physical: u64): u32 {
  return <u32>((physical - <u64>RAM_BASE) >> 12);
}

// What an instruction reports, apart from going on: nothing, that the program counter in the state block holds (after a
// trap, a jump, a store into code), or that the run ends.
export const EVENT_NONE: i32 = 0;
export const EVENT_RELOCATE: i32 = 1;
export const EVENT_EXIT: i32 = 2;

export let event: i32 = EVENT_NONE;
/** STOP_ code of an EVENT_EXIT. */
export let stopReason: i32 = 0;

@inline export function clearEvent(): void {
  event = EVENT_NONE;
}

export function relocate(): void {
  if (event == EVENT_NONE) event = EVENT_RELOCATE;
}

export function exit(reason: i32): void {
  event = EVENT_EXIT;
  stopReason = reason;
}
