/** The history of a disk against a device that does everything a device may do, and more. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContentRun, SectorContent } from "../../kernel/index.ts";
import { DiskHistory } from "./disk-history.ts";
import { type DiskJournal, emptyDiskJournal, NEVER } from "./recent-write.ts";

const SECTORS = 600;

/** One sector at a time, so that every run of a read is one value. */
const runsOf = (values: readonly number[]): ContentRun[] =>
  values.map((stamp) =>
    stamp === 0 ? { kind: "zero", sectors: 1 } : { kind: "stamp", sectors: 1, stamp },
  );

/** A device whose writes take effect sector by sector, at any time before they are answered. */
class Device {
  readonly history: DiskHistory;
  readonly journal = emptyDiskJournal() as { -readonly [K in keyof DiskJournal]: never };
  readonly now = new Array<number>(SECTORS).fill(0);
  readonly durable = new Array<number>(SECTORS).fill(0);
  open: { sector: number; sectors: number; stamp: number; issued: number; done: Set<number> }[] =
    [];
  clock = 1;
  stamp = 1;

  constructor() {
    this.history = new DiskHistory(new SectorContent(SECTORS), this.journal as never);
  }

  send(sector: number, sectors: number): void {
    const issued = this.clock++;
    this.history.sent(sector, sectors, this.stamp, issued);
    this.open.push({ sector, sectors, stamp: this.stamp, issued, done: new Set() });
    this.stamp += sectors;
    (this.journal as { nextStamp: number }).nextStamp = this.stamp;
  }

  /** Some sectors of an open write take effect. */
  effect(which: number, part: number): void {
    const write = this.open[which % Math.max(1, this.open.length)];
    if (write === undefined) return;
    for (let at = 0; at < write.sectors; at++) if (at % 3 <= part) this.#apply(write, at);
  }

  answer(which: number): void {
    const [write] = this.open.splice(which % Math.max(1, this.open.length), 1);
    if (write === undefined) return;
    for (let at = 0; at < write.sectors; at++) this.#apply(write, at);
    this.history.acknowledged(write.issued, this.clock++, false, NEVER);
  }

  flush(): void {
    const issued = this.clock++;
    this.now.forEach((value, at) => (this.durable[at] = value));
    this.history.flushed(issued, NEVER);
  }

  /** Each sector keeps what is durable, or what it held. */
  crash(keep: number): void {
    this.open = [];
    for (let at = 0; at < SECTORS; at++) {
      const kept = (at * 7 + keep) % 5 < 2 ? this.now[at]! : this.durable[at]!;
      this.now[at] = this.durable[at] = kept;
    }
    this.history.crashed(this.clock);
    this.clock += 2;
  }

  read(sector: number, sectors: number, change?: (values: number[]) => void) {
    const values = this.now.slice(sector, sector + sectors);
    change?.(values);
    const span = { sector, sectors, issued: this.clock++ };
    return this.history.found(span, runsOf(values), this.clock++).mismatch;
  }

  #apply(write: Device["open"][number], at: number): void {
    if (write.done.has(at)) return;
    write.done.add(at);
    this.now[write.sector + at] = write.stamp + at;
  }
}

const places = fc.tuple(fc.nat(SECTORS - 40), fc.integer({ min: 1, max: 40 }));
const actions = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant("send" as const), places, fc.nat()) },
    { weight: 3, arbitrary: fc.tuple(fc.constant("effect" as const), places, fc.nat()) },
    { weight: 5, arbitrary: fc.tuple(fc.constant("answer" as const), places, fc.nat()) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("flush" as const), places, fc.nat()) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("crash" as const), places, fc.nat()) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("read" as const), places, fc.nat()) },
  ),
  { maxLength: 120 },
);

function act(device: Device, action: string, [sector, sectors]: [number, number], n: number) {
  if (action === "send") device.send(sector, sectors);
  else if (action === "effect") device.effect(n, n % 3);
  else if (action === "answer") device.answer(n);
  else if (action === "flush") device.flush();
  else if (action === "crash") device.crash(n);
  else expect(device.read(sector, sectors)).toBeUndefined();
}

describe("the history of a disk", () => {
  it("never calls wrong what a device may do", () => {
    fc.assert(
      fc.property(actions, (list) => {
        const device = new Device();
        for (const [action, place, n] of list) act(device, action, place, n);
        expect(device.read(0, SECTORS)).toBeUndefined();
      }),
    );
  });

  it("knows every sector once all is answered, read, and flushed", () => {
    fc.assert(
      fc.property(actions, fc.nat(SECTORS - 1), (list, sector) => {
        const device = new Device();
        for (const [action, place, n] of list) act(device, action, place, n);
        while (device.open.length > 0) device.answer(0);
        device.crash(3);
        expect(device.read(0, SECTORS)).toBeUndefined();
        device.flush();
        expect((device.journal as unknown as DiskJournal).writes).toEqual([]);
        for (const wrong of [device.stamp + 5, -1]) {
          const found = device.read(sector, 1, (values) => (values[0] = wrong));
          expect(found).toMatchObject({ sector, sectors: 1, allowed: [device.now[sector]] });
        }
      }),
    );
  });

  it("tells a lost flushed write from a read that is merely wrong", () => {
    const device = new Device();
    device.send(10, 4);
    device.answer(0);
    device.flush();
    expect(device.read(10, 4, (values) => values.fill(0))).toMatchObject({ beforeCrash: false });
    device.crash(0);
    expect(device.read(10, 4, (values) => values.fill(0))).toMatchObject({ beforeCrash: true });
  });

  it("does not let a sector change its mind after a crash", () => {
    const device = new Device();
    device.send(10, 1);
    device.answer(0);
    device.crash(0);
    expect(device.read(10, 1, (values) => (values[0] = 0))).toBeUndefined();
    expect(device.read(10, 1, (values) => (values[0] = 1))).toMatchObject({ allowed: [0] });
  });

  it("settles a long list without comparing all with all", () => {
    const settled = new SectorContent(2 ** 24);
    const journal = { ...emptyDiskJournal(), writes: [] };
    const history = new DiskHistory(settled, journal as never);
    for (let at = 0; at < 40_000; at++) {
      history.sent((at * 7_919) % 1_000_000, 16, 1 + at * 16, 2 * at + 1);
      history.acknowledged(2 * at + 1, 2 * at + 2, false, NEVER);
    }
    history.flushed(100_000, NEVER);
    expect(journal.writes).toEqual([]);
  });
});
