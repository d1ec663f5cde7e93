// Loads, stores and instruction fetches of a hart: translation, protection, RAM or device. An access that crosses a page
// is two accesses, one on each side, and a store writes nothing until both sides are allowed. Devices take naturally
// aligned accesses only.

import { assert } from "../../../kernel/index.ts";
import { PAGE_BYTES } from "../layout.ts";
import type { Hart } from "./hart.ts";
import type { PhysicalMemory } from "./memory.ts";
import { PERMIT, pmpAllows } from "./pmp.ts";
import { ACCESS_FAULT, type Access, effectivePrivilege, translate } from "./sv39.ts";
import { Trap } from "./trap.ts";

const PERMIT_OF = { fetch: PERMIT.execute, load: PERMIT.read, store: PERMIT.write } as const;

/** Thrown by an access outside RAM: the machine stops and the host answers. */
export class DeviceAccess extends Error {
  readonly virtual: bigint;
  readonly physical: bigint;
  constructor(virtual: bigint, physical: bigint) {
    super("device access");
    this.virtual = virtual;
    this.physical = physical;
  }
}

/** Physical address of an access that lies within one page, protection checked; it may be outside RAM. */
function resolve(
  hart: Hart,
  memory: PhysicalMemory,
  virtual: bigint,
  size: number,
  access: Access,
): bigint {
  const physical = translate(hart, memory, virtual, access);
  const privilege = effectivePrivilege(hart, access);
  const allowed =
    physical >> 56n === 0n && pmpAllows(hart, physical, size, PERMIT_OF[access], privilege);
  if (!allowed) throw new Trap(ACCESS_FAULT[access], virtual);
  if (memory.isRam(physical, 1)) memory.seen(physical, access === "store");
  return physical;
}

/** A naturally aligned access that devices do not take (atomics, fetches): RAM or an access fault. */
export function resolveRam(
  hart: Hart,
  memory: PhysicalMemory,
  virtual: bigint,
  size: number,
  access: Access,
): bigint {
  const physical = resolve(hart, memory, virtual, size, access);
  if (!memory.isRam(physical, size)) throw new Trap(ACCESS_FAULT[access], virtual);
  return physical;
}

/** The pieces of an access: one, or two when it crosses a page. */
function pieces(
  hart: Hart,
  memory: PhysicalMemory,
  virtual: bigint,
  size: number,
  access: Access,
): readonly { readonly physical: bigint; readonly size: number }[] {
  const left = PAGE_BYTES - Number(virtual & BigInt(PAGE_BYTES - 1));
  if (size <= left) {
    const physical = resolve(hart, memory, virtual, size, access);
    if (!memory.isRam(physical, size)) {
      if (virtual % BigInt(size) !== 0n) throw new Trap(ACCESS_FAULT[access], virtual);
      throw new DeviceAccess(virtual, physical);
    }
    return [{ physical, size }];
  }
  const next = BigInt.asUintN(64, virtual + BigInt(left));
  const first = resolveRam(hart, memory, virtual, left, access);
  const second = resolveRam(hart, memory, next, size - left, access);
  return [
    { physical: first, size: left },
    { physical: second, size: size - left },
  ];
}

/** Little-endian value of `size` bytes at a virtual address, not sign-extended. */
export function loadVirtual(
  hart: Hart,
  memory: PhysicalMemory,
  virtual: bigint,
  size: number,
): bigint {
  let value = 0n;
  let shift = 0n;
  for (const piece of pieces(hart, memory, virtual, size, "load")) {
    for (let i = 0; i < piece.size; i++, shift += 8n) {
      value |= memory.read(piece.physical + BigInt(i), 1) << shift;
    }
  }
  return value;
}

/** Stores `size` bytes; returns the physical ranges written. */
export function storeVirtual(
  hart: Hart,
  memory: PhysicalMemory,
  virtual: bigint,
  size: number,
  value: bigint,
): readonly { readonly physical: bigint; readonly size: number }[] {
  const ranges = pieces(hart, memory, virtual, size, "store");
  let rest = value;
  for (const piece of ranges) {
    for (let i = 0; i < piece.size; i++, rest >>= 8n) {
      memory.write(piece.physical + BigInt(i), 1, rest & 0xffn);
    }
  }
  return ranges;
}

/** The halfword at a virtual address, fetched for execution. */
export function fetchHalfword(hart: Hart, memory: PhysicalMemory, virtual: bigint): number {
  assert((virtual & 1n) === 0n, "the program counter is even");
  return Number(memory.read(resolveRam(hart, memory, virtual, 2, "fetch"), 2));
}
