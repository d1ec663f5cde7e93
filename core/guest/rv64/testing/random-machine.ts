// A random machine state: RAM full of random instructions, page tables that map it in odd ways, registers that point into
// it, control registers drawn within what they can hold. Whatever it does when run, both engines must do the same.

import * as arch from "../architecture.ts";
import type { Engine } from "../engine.ts";
import { initialHart } from "../initial-state.ts";
import * as layout from "../layout.ts";
import { randomInstruction } from "./random-instruction.ts";
import type { TestRandom } from "./random.ts";

export const TEST_RAM_BYTES = 48 * layout.PAGE_BYTES;
const CODE_PAGES = 12;
const ROOT_PAGE = 16;
const MIDDLE_PAGE = 17;
const LEAF_PAGE = 18;

const BASE = BigInt(layout.RAM_BASE);
const physicalPage = (page: number): bigint => (BASE >> 12n) + BigInt(page);

/** Flags of a leaf entry; most of them usable. */
function leafFlags(random: TestRandom): bigint {
  if (random.chance(10)) return BigInt(random.below(256));
  const permissions = random.pick([0xf, 0xf, 0xb, 0x7, 0x3, 0x9]);
  const rest = random.pick([0xc0, 0xc0, 0x40, 0x00]) | random.pick([0, arch.PTE_U]);
  return BigInt(permissions | rest);
}

const entry = (page: bigint, flags: bigint): bigint => (page << 10n) | flags;

function writePageTables(random: TestRandom, view: DataView): void {
  const put = (page: number, index: number, value: bigint): void =>
    view.setBigUint64(page * layout.PAGE_BYTES + index * 8, value, true);
  const pages = TEST_RAM_BYTES / layout.PAGE_BYTES;
  put(ROOT_PAGE, 0, entry(physicalPage(MIDDLE_PAGE), 1n));
  // The whole of RAM at its own address, as one huge page.
  put(ROOT_PAGE, 2, entry(0x80000n, leafFlags(random)));
  put(ROOT_PAGE, 511, entry(physicalPage(MIDDLE_PAGE), 1n));
  put(MIDDLE_PAGE, 0, entry(physicalPage(LEAF_PAGE), 1n));
  put(MIDDLE_PAGE, 1, entry(0x80000n, leafFlags(random)));
  put(MIDDLE_PAGE, 511, entry(physicalPage(LEAF_PAGE), 1n));
  for (let i = 0; i < 512; i++) {
    const target = random.chance(97)
      ? physicalPage(random.below(pages))
      : BigInt(random.below(1 << 20));
    put(LEAF_PAGE, i, entry(target, leafFlags(random)));
  }
}

function writeCode(random: TestRandom, bytes: Uint8Array, view: DataView): void {
  const end = CODE_PAGES * layout.PAGE_BYTES;
  for (let at = 0; at < end;) {
    const { bits, bytes: length } = randomInstruction(random);
    if (length === 2 || at + 4 > end) view.setUint16(at, bits & 0xffff, true);
    else view.setUint32(at, bits >>> 0, true);
    at += length;
  }
  for (let at = 20 * layout.PAGE_BYTES; at < bytes.length; at += 8)
    view.setBigUint64(at, randomValue(random), true);
}

/** Doubles and boxed singles at the edges of their formats. */
const FLOAT_EDGES = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000001n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  0x7ff0000000000001n,
  0x0000000000000001n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x7fefffffffffffffn,
  0x43e0000000000000n,
  0x41dfffffffc00000n,
  0x36a0000000000000n,
  0x47efffffe0000000n,
  0xffffffff00000000n,
  0xffffffff80000000n,
  0xffffffff3f800000n,
  0xffffffff7f800000n,
  0xffffffff7fc00000n,
  0xffffffff7f800001n,
  0xffffffff00000001n,
  0xffffffff00800000n,
  0xffffffff7f7fffffn,
  0xffffffff4f000000n,
  0xfffffffe3f800000n,
  0xffffffffff800000n,
] as const;

function randomValue(random: TestRandom): bigint {
  const kind = random.below(10);
  if (kind < 5) return BASE + BigInt((random.below(TEST_RAM_BYTES - 8192) & ~7) + 4096);
  if (kind === 9) return BigInt(random.below(1 << 21));
  if (kind === 5) return BigInt.asUintN(64, -BigInt(random.below(1 << 21)));
  if (kind === 6) return BigInt(random.below(64));
  if (kind === 7) return random.pick(FLOAT_EDGES);
  if (kind === 8) return BASE + BigInt(random.below(TEST_RAM_BYTES));
  return random.next64();
}

const codeAddress = (random: TestRandom): bigint =>
  random.chance(60)
    ? BASE + BigInt(random.below(CODE_PAGES * layout.PAGE_BYTES) & ~3)
    : BigInt(random.below(1 << 21) & ~3);

/** Protection that mostly lets everything through: the last entry covers all memory. */
function writeProtection(random: TestRandom, block: DataView): void {
  const often = random.chance(30);
  for (let i = 0; i < 15; i++) {
    const usable = often && random.chance(25);
    const config = usable ? random.below(256) & (random.chance(80) ? 0x1f : 0x9f) : 0;
    const legal = (config & 3) === 2 ? config & ~2 : config;
    block.setUint8(layout.HART_PMPCFG + i, legal);
    const address = (BASE + BigInt(random.below(TEST_RAM_BYTES))) >> 2n;
    const napot = random.chance(50) ? (1n << BigInt(random.below(12))) - 1n : 0n;
    block.setBigUint64(layout.HART_PMPADDR + i * 8, address | napot, true);
  }
  block.setUint8(layout.HART_PMPCFG + 15, 0x1f);
  block.setBigUint64(layout.HART_PMPADDR + 15 * 8, (1n << 54n) - 1n, true);
}

export function randomHart(random: TestRandom): Uint8Array {
  const bytes = initialHart(0, codeAddress(random));
  const block = new DataView(bytes.buffer);
  const put = (offset: number, value: bigint): void => block.setBigUint64(offset, value, true);
  for (let i = 1; i < 32; i++) put(layout.HART_X + i * 8, randomValue(random));
  for (let i = 0; i < 32; i++)
    put(layout.HART_F + i * 8, random.chance(70) ? random.pick(FLOAT_EDGES) : random.next64());
  const floats = random.pick([arch.MSTATUS_FS, arch.MSTATUS_FS, arch.MSTATUS_FS, 0x2000, 0]);
  const status = Number(random.next64() & BigInt(arch.MSTATUS_WRITABLE & ~arch.MSTATUS_MPP));
  const mpp = random.pick([0, 1, 3]) << arch.MSTATUS_MPP_SHIFT;
  put(layout.HART_MSTATUS, BigInt((status & ~arch.MSTATUS_FS) | floats | mpp));
  put(layout.HART_PRIVILEGE, BigInt(random.pick([0, 1, 1, 3])));
  const masked = (offset: number, mask: number): void =>
    put(offset, random.next64() & BigInt(mask));
  masked(layout.HART_MEDELEG, arch.MEDELEG_WRITABLE);
  masked(layout.HART_MIDELEG, arch.SUPERVISOR_INTERRUPTS);
  masked(layout.HART_MIE, arch.ALL_INTERRUPTS);
  if (random.chance(30)) masked(layout.HART_MIP, arch.SUPERVISOR_INTERRUPTS);
  masked(layout.HART_MCOUNTEREN, arch.COUNTEREN_WRITABLE);
  masked(layout.HART_SCOUNTEREN, arch.COUNTEREN_WRITABLE);
  for (const vector of [layout.HART_MTVEC, layout.HART_STVEC])
    put(vector, codeAddress(random) | BigInt(random.below(2)));
  put(layout.HART_MEPC, codeAddress(random));
  put(layout.HART_SEPC, codeAddress(random));
  const paging = random.chance(70) ? 8n << 60n : 0n;
  put(layout.HART_SATP, paging | physicalPage(ROOT_PAGE));
  put(layout.HART_FCSR, BigInt(random.below(256)));
  put(layout.HART_FIRMWARE, random.chance(30) ? 1n : 0n);
  put(layout.HART_EBREAK_EXITS, random.chance(20) ? 1n : 0n);
  writeProtection(random, block);
  return bytes;
}

/** Puts the same random state into every engine given. */
export function randomise(random: TestRandom, engines: readonly Engine[]): void {
  const ram = new Uint8Array(TEST_RAM_BYTES);
  const view = new DataView(ram.buffer);
  writeCode(random, ram, view);
  writePageTables(random, view);
  const hart = randomHart(random);
  for (const engine of engines) {
    engine.writeRam(0, ram);
    engine.clearDirty();
    engine.writeHart(0, hart);
  }
}
