/**
 * Pending events, ordered by (time, sequence). The table of events is state; the heap over it is an
 * index that can be dropped and rebuilt at any moment. Cancelling leaves a tombstone that is dropped
 * when its time comes, or when tombstones outnumber live events, so the table does not depend on
 * the shape of the heap. A timer handle is a number (slot and slot generation), so that it can be
 * kept in state.
 */
import { assert } from "./assert.ts";
import type { Plain, PlainObject } from "./plain.ts";
import type { Store } from "./stores/store.ts";
import { Table, type TableImage } from "./stores/table.ts";
import type { TimeNs } from "./time.ts";

/** Handle of a pending event; stale handles are recognised. */
export type TimerHandle = number;

/** Handler number of a slot whose event was cancelled; see `numberOfHandler` for the others. */
export const CANCELLED = -1;
/** Handler number of a slot that is free; its `sequence` links to the next free slot. */
const FREE = -2;

const SLOT_BITS = 22;
const SLOTS = 1 << SLOT_BITS;
const GENERATIONS = 2 ** 30;
const COMPACT_FROM = 1024;

const COLUMNS = {
  timeNs: "f64",
  sequence: "f64",
  arg: "f64",
  /** Number of the event that scheduled this one: what `why` follows backwards. */
  cause: "f64",
  target: "i32",
  handler: "i32",
  incarnation: "u32",
  generation: "u32",
} as const;

export interface EventQueueImage {
  readonly table: TableImage;
  readonly freeHead: number;
  readonly live: number;
  readonly tombstones: number;
}

export class EventQueue implements Store<EventQueueImage> {
  readonly table = new Table(COLUMNS, true);
  readonly payloads: (Plain | undefined)[] = this.table.payloads!;
  timeNs = this.table.columns.timeNs;
  sequence = this.table.columns.sequence;
  arg = this.table.columns.arg;
  cause = this.table.columns.cause;
  target = this.table.columns.target;
  handler = this.table.columns.handler;
  incarnation = this.table.columns.incarnation;
  #generation = this.table.columns.generation;
  #dirty = this.table.dirty;

  #freeHead = -1;
  #live = 0;
  #tombstones = 0;

  #heapTime = new Float64Array(256);
  #heapSlot = new Int32Array(256);
  #heapSize = 0;
  /** Dead events that were passed over since the last one that ran. */
  #aside: number[] = [];
  /** Payloads of events up to this sequence may be shared with an image. */
  #sharedUpTo = -1;
  #newest = -1;
  /** The root was taken and not yet refilled; the next push fills it without a second sift. */
  #hole = false;

  /** Events that are pending and not cancelled. */
  get size(): number {
    return this.#live;
  }

  push(
    timeNs: TimeNs,
    sequence: number,
    target: number,
    handler: number,
    incarnation: number,
    arg: number,
    payload: Plain | undefined,
    cause: number,
  ): TimerHandle {
    const slot = this.#takeSlot();
    this.timeNs[slot] = timeNs;
    this.sequence[slot] = sequence;
    this.arg[slot] = arg;
    this.cause[slot] = cause;
    this.target[slot] = target;
    this.handler[slot] = handler;
    this.incarnation[slot] = incarnation;
    if (payload !== undefined) this.payloads[slot] = payload;
    this.#dirty[slot >> 8] = 3;
    this.#live++;
    this.#newest = sequence;
    this.#heapPush(timeNs, slot);
    return slot + this.#generation[slot]! * SLOTS;
  }

  /** Slot of the earliest event, tombstones included, or -1. */
  peek(): number {
    if (this.#hole) this.#fillHole();
    return this.#heapSize === 0 ? -1 : this.#heapSlot[0]!;
  }

  /** Takes the event that `peek` returned off the queue; its columns stay readable until a push. */
  take(slot: number): void {
    if (this.#aside.length > 0) this.#dropAside();
    this.#hole = true;
    this.#live--;
    this.#release(slot);
  }

  /**
   * Passes over the event that `peek` returned: it is dead (cancelled, or its target has crashed or
   * is gone). It stays in the table until the next `take`, so that the state after an event does
   * not depend on how far the run looked ahead.
   */
  passOver(slot: number): void {
    this.#hole = true;
    this.#aside.push(slot);
  }

  /** Puts back what was passed over: no event to take was found behind it. */
  putBack(): void {
    for (const slot of this.#aside) this.#heapPush(this.timeNs[slot]!, slot);
    this.#aside = [];
  }

  /** Whether the payload of this event may be part of an image, and so must not be changed. */
  isShared(sequence: number): boolean {
    return sequence <= this.#sharedUpTo;
  }

  /** Cancels a pending event; false when it has fired, was cancelled, or never was. */
  cancel(handle: TimerHandle): boolean {
    const slot = handle % SLOTS;
    const generation = (handle - slot) / SLOTS;
    if (slot >= this.table.used || this.#generation[slot] !== generation) return false;
    if (this.handler[slot]! < 0) return false;
    this.handler[slot] = CANCELLED;
    if (this.payloads[slot] !== undefined) this.payloads[slot] = undefined;
    this.table.touch(slot);
    this.#live--;
    this.#tombstones++;
    if (this.#tombstones > COMPACT_FROM && this.#tombstones > this.#live) this.#compact();
    return true;
  }

  isPending(handle: TimerHandle): boolean {
    const slot = handle % SLOTS;
    const generation = (handle - slot) / SLOTS;
    if (slot >= this.table.used || this.#generation[slot] !== generation) return false;
    return this.handler[slot]! >= 0;
  }

  /** The handle under which the event of a slot was scheduled. */
  handleOf(slot: number): TimerHandle {
    return slot + this.#generation[slot]! * SLOTS;
  }

  /** Slots of all pending events in firing order; for inspection, not for the run. */
  pendingSlots(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.table.used; slot++)
      if (this.handler[slot]! >= 0) slots.push(slot);
    return slots.sort((a, b) => (this.#before(a, b) ? -1 : 1));
  }

  capture(): EventQueueImage {
    this.#sharedUpTo = Math.max(this.#sharedUpTo, this.#newest);
    return {
      table: this.table.capture(),
      freeHead: this.#freeHead,
      live: this.#live,
      tombstones: this.#tombstones,
    };
  }

  restore(image: EventQueueImage): void {
    this.table.restore(image.table);
    this.#freeHead = image.freeHead;
    this.#live = image.live;
    this.#tombstones = image.tombstones;
    this.#adoptColumns();
    this.rebuildIndex();
    this.#newest = -1;
    for (let slot = 0; slot < this.table.used; slot++) {
      if (this.handler[slot] !== FREE) this.#newest = Math.max(this.#newest, this.sequence[slot]!);
    }
    this.#sharedUpTo = this.#newest;
  }

  digest(): bigint {
    return this.table.digest();
  }

  encodeDelta(image: EventQueueImage, base: EventQueueImage | undefined): PlainObject {
    const table = this.table.encodeDelta(image.table, base?.table);
    return { ...image, table };
  }

  applyDelta(base: EventQueueImage | undefined, delta: PlainObject): EventQueueImage {
    const table = this.table.applyDelta(base?.table, delta["table"] as PlainObject);
    const counts = [delta["freeHead"], delta["live"], delta["tombstones"]] as number[];
    assert(counts.every(Number.isInteger), "event queue delta: bad counts");
    return { table, freeHead: counts[0]!, live: counts[1]!, tombstones: counts[2]! };
  }

  /** Builds the heap from the table: after a restore, or to show that it is only an index. */
  rebuildIndex(): void {
    this.#heapSize = 0;
    this.#hole = false;
    this.#aside = [];
    for (let slot = 0; slot < this.table.used; slot++) {
      if (this.handler[slot] === FREE) continue;
      this.#heapPush(this.timeNs[slot]!, slot);
    }
  }

  #takeSlot(): number {
    const head = this.#freeHead;
    if (head >= 0) {
      this.#freeHead = this.sequence[head]!;
      return head;
    }
    const slot = this.table.used++;
    if (slot >= this.timeNs.length) {
      assert(slot < SLOTS, "more than four million pending events");
      this.table.ensure(slot + 1);
      this.#adoptColumns();
    }
    this.#generation[slot] = 1;
    return slot;
  }

  #dropAside(): void {
    for (const slot of this.#aside) {
      if (this.handler[slot] === CANCELLED) this.#tombstones--;
      else this.#live--;
      this.#release(slot);
    }
    this.#aside = [];
  }

  #release(slot: number): void {
    const generation = this.#generation[slot]! + 1;
    this.#generation[slot] = generation === GENERATIONS ? 1 : generation;
    this.handler[slot] = FREE;
    this.sequence[slot] = this.#freeHead;
    this.#freeHead = slot;
    if (this.payloads[slot] !== undefined) this.payloads[slot] = undefined;
    this.#dirty[slot >> 8] = 3;
  }

  #adoptColumns(): void {
    const columns = this.table.columns;
    this.timeNs = columns.timeNs;
    this.sequence = columns.sequence;
    this.arg = columns.arg;
    this.cause = columns.cause;
    this.target = columns.target;
    this.handler = columns.handler;
    this.incarnation = columns.incarnation;
    this.#generation = columns.generation;
    this.#dirty = this.table.dirty;
  }

  #compact(): void {
    for (let slot = this.table.used - 1; slot >= 0; slot--) {
      if (this.handler[slot] === CANCELLED) this.#release(slot);
    }
    this.#tombstones = 0;
    this.rebuildIndex();
  }

  #before(a: number, b: number): boolean {
    const difference = this.timeNs[a]! - this.timeNs[b]!;
    return difference < 0 || (difference === 0 && this.sequence[a]! < this.sequence[b]!);
  }

  #heapPush(timeNs: number, slot: number): void {
    if (this.#hole) {
      this.#hole = false;
      this.#siftDown(timeNs, slot);
      return;
    }
    if (this.#heapSize === this.#heapTime.length) this.#growHeap();
    this.#siftUp(this.#heapSize++, timeNs, slot);
  }

  #fillHole(): void {
    this.#hole = false;
    const last = --this.#heapSize;
    if (last > 0) this.#siftDown(this.#heapTime[last]!, this.#heapSlot[last]!);
  }

  #siftUp(from: number, timeNs: number, slot: number): void {
    const times = this.#heapTime;
    const slots = this.#heapSlot;
    const sequence = this.sequence;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const parentTime = times[parent]!;
      if (parentTime < timeNs) break;
      if (parentTime === timeNs && sequence[slots[parent]!]! < sequence[slot]!) break;
      times[at] = parentTime;
      slots[at] = slots[parent]!;
      at = parent;
    }
    times[at] = timeNs;
    slots[at] = slot;
  }

  /** Places an event from the root of the 4-ary heap downwards. */
  #siftDown(timeNs: number, slot: number): void {
    const times = this.#heapTime;
    const slots = this.#heapSlot;
    const sequence = this.sequence;
    const size = this.#heapSize;
    let at = 0;
    for (;;) {
      let child = (at << 2) + 1;
      if (child >= size) break;
      const end = child + 4 < size ? child + 4 : size;
      let least = times[child]!;
      for (let next = child + 1; next < end; next++) {
        const time = times[next]!;
        if (time > least) continue;
        if (time === least && sequence[slots[next]!]! > sequence[slots[child]!]!) continue;
        least = time;
        child = next;
      }
      if (least > timeNs) break;
      if (least === timeNs && sequence[slots[child]!]! > sequence[slot]!) break;
      times[at] = least;
      slots[at] = slots[child]!;
      at = child;
    }
    times[at] = timeNs;
    slots[at] = slot;
  }

  #growHeap(): void {
    const times = new Float64Array(this.#heapTime.length * 2);
    times.set(this.#heapTime);
    this.#heapTime = times;
    const slots = new Int32Array(times.length);
    slots.set(this.#heapSlot);
    this.#heapSlot = slots;
  }
}
