// A split virtqueue (virtio 1.2, 2.7) from the device's side. The driver may write anything into it at any time: every
// index, length and address is checked, and what cannot be right is reported as "broken" before anything was changed.

import { lengthOf, type GuestMemory } from "./guest-memory.ts";
import type { QueueState, Segment } from "./state.ts";

/** Largest queue offered. */
export const MOST_ENTRIES = 256;
/** More than this in one chain is no sensible request. */
const MOST_CHAIN_BYTES = 64 * 2 ** 20;

const DESCRIPTOR_BYTES = 16;
const NEXT = 1;
const WRITABLE = 2;
const INDIRECT = 4;
const NO_INTERRUPT = 1;
const MODULUS = 0x1_0000;

/** Buffers that the driver made available together: those to read come before those to write. */
export interface Chain {
  readonly head: number;
  readonly readable: readonly Segment[];
  readonly writable: readonly Segment[];
}

interface Rings {
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

/** Offsets in RAM of the three parts; null when any is misaligned or not in RAM. */
function ringsOf(queue: QueueState, memory: GuestMemory): Rings | null {
  const { size } = queue;
  if (size < 1 || size > MOST_ENTRIES || (size & (size - 1)) !== 0) return null;
  const aligned = (address: readonly [number, number], alignment: number, bytes: number) =>
    address[0] % alignment === 0 ? memory.offsetOf(address, bytes) : null;
  const descriptors = aligned(queue.descriptors, 16, size * DESCRIPTOR_BYTES);
  const available = aligned(queue.driver, 2, 6 + 2 * size);
  const used = aligned(queue.device, 4, 6 + 8 * size);
  if (descriptors === null || available === null || used === null) return null;
  return { descriptors, available, used };
}

/** A table of descriptors: the queue's own, or one that a descriptor of it names (2.7.5.3). */
interface Table {
  readonly at: number;
  readonly entries: number;
}

/** The table in the range of an indirect descriptor; null when it cannot be one. */
function indirectTable(range: Segment): Table | null {
  const entries = range.bytes / DESCRIPTOR_BYTES;
  return Number.isInteger(entries) && entries > 0 ? { at: range.offset, entries } : null;
}

/**
 * The chain that starts at a head; null when it is malformed. An indirect descriptor is the last of
 * the queue's own table, and there is none in the table that it names.
 */
function walk(
  queue: QueueState,
  memory: GuestMemory,
  own: Table,
  head: number,
  allowsIndirect: boolean,
): Chain | null {
  const readable: Segment[] = [];
  const writable: Segment[] = [];
  let table = own;
  let index = head;
  // A chain longer than the queue holds a loop, or is none that a driver may make.
  while (readable.length + writable.length < queue.size) {
    if (index >= table.entries) return null;
    const at = table.at + index * DESCRIPTOR_BYTES;
    const flags = memory.u16(at + 12);
    const bytes = memory.u32(at + 8);
    const offset = memory.offsetOf([memory.u32(at), memory.u32(at + 4)], bytes);
    if (offset === null) return null;
    if ((flags & INDIRECT) !== 0) {
      const named = indirectTable({ offset, bytes });
      if (!allowsIndirect || table !== own || (flags & NEXT) !== 0 || named === null) return null;
      table = named;
      index = 0;
      continue;
    }
    const toWrite = (flags & WRITABLE) !== 0;
    if (!toWrite && writable.length > 0) return null;
    (toWrite ? writable : readable).push({ offset, bytes });
    if ((flags & NEXT) === 0) {
      const total = lengthOf(readable) + lengthOf(writable);
      return total <= MOST_CHAIN_BYTES ? { head, readable, writable } : null;
    }
    index = memory.u16(at + 14);
  }
  return null;
}

/** The next chain, without taking it: "none" when the driver offers none now. */
export function peekChain(
  queue: QueueState,
  memory: GuestMemory,
  allowsIndirect: boolean,
): Chain | "none" | "broken" {
  if (!queue.ready) return "none";
  const rings = ringsOf(queue, memory);
  if (rings === null) return "broken";
  const offered = (memory.u16(rings.available + 2) - queue.nextAvailable + MODULUS) % MODULUS;
  if (offered === 0) return "none";
  if (offered > queue.size) return "broken";
  const slot = queue.nextAvailable % queue.size;
  const head = memory.u16(rings.available + 4 + 2 * slot);
  const own = { at: rings.descriptors, entries: queue.size };
  return walk(queue, memory, own, head, allowsIndirect) ?? "broken";
}

/** Takes the chain that `peekChain` showed. */
export function advance(queue: QueueState): void {
  queue.nextAvailable = (queue.nextAvailable + 1) % MODULUS;
}

/**
 * Gives a chain back with the number of bytes written into it. True: the driver wants an interrupt; null: the queue is
 * broken.
 */
export function giveBack(
  queue: QueueState,
  memory: GuestMemory,
  head: number,
  written: number,
): boolean | null {
  const rings = ringsOf(queue, memory);
  if (rings === null) return null;
  const element = new DataView(new ArrayBuffer(8));
  element.setUint32(0, head, true);
  element.setUint32(4, written, true);
  const slot = queue.nextUsed % queue.size;
  memory.write(rings.used + 4 + 8 * slot, new Uint8Array(element.buffer));
  queue.nextUsed = (queue.nextUsed + 1) % MODULUS;
  memory.write(rings.used + 2, Uint8Array.of(queue.nextUsed & 0xff, queue.nextUsed >> 8));
  return (memory.u16(rings.available) & NO_INTERRUPT) === 0;
}
