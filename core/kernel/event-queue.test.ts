import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue, type EventQueueImage } from "./event-queue.ts";

type Pending = { readonly timeNs: number; readonly sequence: number; readonly handle: number };

/** The queue beside a plain sorted list that must always agree with it. */
class Pair {
  readonly queue = new EventQueue();
  list: Pending[] = [];
  gone: number[] = [];
  sequence = 0;

  push(timeNs: number): void {
    const sequence = this.sequence++;
    const payload = sequence % 3 === 0 ? { sequence } : undefined;
    const handle = this.queue.push(timeNs, sequence, 1, 2, 0, sequence, payload, 0);
    this.list.push({ timeNs, sequence, handle });
    this.list.sort((a, b) => a.timeNs - b.timeNs || a.sequence - b.sequence);
  }

  pop(): void {
    const slot = this.live();
    const expected = this.list.shift();
    if (expected === undefined) return expect(slot).toBe(-1);
    const { queue } = this;
    expect([queue.timeNs[slot], queue.sequence[slot]]).toEqual([
      expected.timeNs,
      expected.sequence,
    ]);
    expect(queue.arg[slot]).toBe(expected.sequence);
    const payload = expected.sequence % 3 === 0 ? { sequence: expected.sequence } : undefined;
    expect(queue.payloads[slot]).toEqual(payload);
    queue.take(slot);
    this.gone.push(expected.handle);
  }

  /** Like the event loop: passes over what was cancelled. */
  live(): number {
    for (;;) {
      const slot = this.queue.peek();
      if (slot < 0) this.queue.putBack();
      if (slot < 0 || this.queue.handler[slot]! >= 0) return slot;
      this.queue.passOver(slot);
    }
  }

  cancel(nth: number): void {
    const at = nth % Math.max(1, this.list.length);
    const victim = this.list[at];
    if (victim === undefined) return;
    expect(this.queue.cancel(victim.handle)).toBe(true);
    this.list.splice(at, 1);
    this.gone.push(victim.handle);
  }

  check(): void {
    expect(this.queue.size).toBe(this.list.length);
    const slots = this.queue.pendingSlots();
    expect(slots.map((slot) => this.queue.sequence[slot])).toEqual(
      this.list.map(({ sequence }) => sequence),
    );
    for (const { handle } of this.list) expect(this.queue.isPending(handle)).toBe(true);
    for (const handle of this.gone.slice(-20)) {
      expect(this.queue.isPending(handle)).toBe(false);
      expect(this.queue.cancel(handle)).toBe(false);
    }
  }
}

type Step = readonly [kind: number, value: number];
const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(12)), { maxLength: 120 });

function apply(
  pair: Pair,
  saved: { image?: EventQueueImage; list?: Pending[] },
  [kind, value]: Step,
): void {
  if (kind < 4) pair.push(value);
  else if (kind < 6) pair.pop();
  else if (kind === 6) pair.cancel(value);
  else if (kind === 7) pair.queue.rebuildIndex();
  else if (kind === 8) {
    saved.image = pair.queue.capture();
    saved.list = [...pair.list];
  } else if (saved.image !== undefined) {
    pair.queue.restore(saved.image);
    pair.list = [...saved.list!];
    pair.gone = [];
  }
}

describe("the event queue", () => {
  it("does what a sorted list does, over images, rebuilds and cancellations", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const pair = new Pair();
        const saved = {};
        for (const step of all) apply(pair, saved, step);
        pair.check();
        while (pair.list.length > 0) pair.pop();
        pair.pop();
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("drops tombstones when they outnumber what is alive, and keeps the order", () => {
    const pair = new Pair();
    for (let i = 0; i < 6_000; i++) pair.push((i * 7_919) % 1_000);
    for (let i = 0; i < 5_000; i++) pair.cancel((i * 31) % pair.list.length);
    expect(pair.queue.table.used).toBe(6_000);
    pair.check();
    for (let i = 0; i < 3_000; i++) pair.push(i);
    expect(pair.queue.table.used).toBeLessThan(8_000);
    while (pair.list.length > 0) pair.pop();
  });

  it("has the same digest whatever the shape of its index, and another for another event", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const pair = new Pair();
        for (const step of all) if (step[0] < 7) apply(pair, {}, step);
        const digest = pair.queue.digest();
        pair.queue.rebuildIndex();
        expect(pair.queue.digest()).toBe(digest);
        const other = new EventQueue();
        const delta = structuredClone(pair.queue.encodeDelta(pair.queue.capture(), undefined));
        other.restore(other.applyDelta(undefined, delta));
        expect(other.digest()).toBe(digest);
        pair.push(5);
        expect(pair.queue.digest()).not.toBe(digest);
      }),
      { seed: 4, numRuns: 100 },
    );
  });

  it("canary: an order by time alone is told from the right one", () => {
    const pair = new Pair();
    for (let i = 0; i < 9; i++) pair.push(5);
    pair.list.reverse();
    expect(() => pair.pop()).toThrow();
  });
});
