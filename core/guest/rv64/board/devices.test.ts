// Devices one by one, as their drivers see them: the interrupt controller against a plain model of its rules, the UART's
// odd corners, the ends of a machine.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../layout.ts";
import { attendToHost } from "./htif.ts";
import { takeInput } from "./inputs.ts";
import { FINISHER, PLIC, UART, VIRTIO } from "./memory-map.ts";
import { interrupts, setLevel } from "./plic.ts";
import { devicesAlone } from "./testing/bench.ts";
import { PlicModel } from "./testing/plic-model.ts";

type Made = ReturnType<typeof devicesAlone>;

const at = ({ base }: { readonly base: number }, offset: number): bigint => BigInt(base + offset);

describe("PLIC", () => {
  const CONTEXTS = 4;
  // Sources that no device here drives.
  const FREE = [11, 12, 13, 30, 31] as const;
  const source = fc.constantFrom(...FREE);
  const context = fc.nat(CONTEXTS - 1);
  const step = fc.oneof(
    fc.record({ kind: fc.constant("level"), source, level: fc.boolean() }),
    fc.record({ kind: fc.constant("priority"), source, value: fc.nat(7) }),
    fc.record({ kind: fc.constant("enable"), context, sources: fc.subarray([...FREE]) }),
    fc.record({ kind: fc.constant("threshold"), context, value: fc.nat(7) }),
    fc.record({ kind: fc.constant("claim"), context }),
    fc.record({ kind: fc.constant("complete"), context, source }),
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  /** Does a step to both; returns what was claimed of each. */
  function perform(made: Made, model: PlicModel, it: Step): readonly [number, number] | null {
    const { bus, around } = made;
    const put = (offset: number, value: number): void =>
      void bus.store(at(PLIC, offset), 4, BigInt(value >>> 0));
    if (it.kind === "level") {
      setLevel(around.state.plic, it.source, it.level);
      model.level(it.source, it.level);
    } else if (it.kind === "priority") {
      put(4 * it.source, it.value);
      model.prioritise(it.source, it.value);
    } else if (it.kind === "enable") {
      const mask = it.sources.reduce((bits, number) => bits | (1 << number), 0);
      put(0x2000 + 0x80 * it.context, mask);
      model.enable(it.context, it.sources);
    } else if (it.kind === "threshold") {
      put(0x20_0000 + 0x1000 * it.context, it.value);
      model.limit(it.context, it.value);
    } else if (it.kind === "complete") {
      put(0x20_0004 + 0x1000 * it.context, it.source);
      model.complete(it.context, it.source);
    } else {
      const claimed = bus.load(at(PLIC, 0x20_0004 + 0x1000 * it.context), 4);
      return [Number(claimed), model.claim(it.context)];
    }
    return null;
  }

  test("claims the highest priority, then the lowest number; forwards one request at a time", () => {
    let claims = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const made = devicesAlone();
        const model = new PlicModel();
        for (const it of steps) {
          const claimed = perform(made, model, it);
          if (claimed !== null) expect(claimed[0]).toBe(claimed[1]);
          if (claimed !== null && claimed[0] !== 0) claims++;
          for (let which = 0; which < CONTEXTS; which++)
            expect(interrupts(made.around.state.plic, which)).toBe(model.interrupts(which));
        }
      }),
      { numRuns: 200, seed: 11 },
    );
    expect(claims).toBeGreaterThan(100);
  });
});

describe("UART", () => {
  const read = ({ bus }: Made, offset: number): number => Number(bus.load(at(UART, offset), 1));
  const write = ({ bus }: Made, offset: number, value: number): void =>
    void bus.store(at(UART, offset), 1, BigInt(value));

  test("shows the divisor under its latch, and nothing else is disturbed", () => {
    const made = devicesAlone();
    write(made, 1, 5);
    write(made, 3, 0x83);
    write(made, 0, 0x12);
    write(made, 1, 0x34);
    expect([read(made, 0), read(made, 1)]).toEqual([0x12, 0x34]);
    write(made, 3, 3);
    expect([read(made, 1), read(made, 3)]).toEqual([5, 3]);
    expect(made.printed).toEqual([]);
  });

  test("raises its line for input and for an idle transmitter, until each is dealt with", () => {
    const made = devicesAlone();
    const line = (): boolean => (made.around.state.plic.level >> UART.source) % 2 === 1;
    write(made, 1, 2);
    expect([line(), read(made, 2) & 0xf, line(), read(made, 2) & 0xf]).toEqual([true, 2, false, 1]);
    write(made, 0, 65);
    expect([made.printed, line()]).toEqual([[65], true]);
    write(made, 1, 1);
    expect(line()).toBe(false);
    made.around.state.uart.input.push(7, 8);
    expect([read(made, 2) & 0xf, read(made, 5) & 1, line()]).toEqual([4, 1, true]);
    expect([read(made, 0), read(made, 0), read(made, 5) & 1, line()]).toEqual([7, 8, 0, false]);
  });

  test("loops back what it is told to", () => {
    const made = devicesAlone();
    write(made, 4, 0x1a);
    expect(read(made, 6)).toBe(0x90);
    write(made, 0, 66);
    expect([made.printed, read(made, 0)]).toEqual([[], 66]);
  });
});

describe("a block device that grows", () => {
  const MMIO = { base: VIRTIO.base };
  const read = ({ bus }: Made, offset: number): number => Number(bus.load(at(MMIO, offset), 4));
  const grow = (made: Made, sectors: number): void =>
    takeInput(made.around, made.bus, { kind: "block-size", disk: "disk", sectors });

  test("tells a driver that works by its interrupt, and any by its generation", () => {
    const made = devicesAlone();
    grow(made, 32);
    expect([read(made, 0x100), read(made, 0xfc), read(made, 0x60)]).toEqual([32, 1, 0]);
    made.around.state.virtio[0]!.status = 15;
    grow(made, 32);
    expect([read(made, 0xfc), read(made, 0x60)]).toEqual([1, 0]);
    grow(made, 0x1_0000_0040);
    const seen = [0x100, 0x104, 0xfc, 0x60].map((offset) => read(made, offset));
    expect(seen).toEqual([0x40, 1, 2, 2]);
    made.bus.store(at(MMIO, 0x64), 4, 2n);
    expect(read(made, 0x60)).toBe(0);
    made.bus.store(at(MMIO, 0x70), 4, 0n);
    expect(read(made, 0x104)).toBe(1);
  });
});

describe("the end of a machine", () => {
  test.each([
    [0x5555n, { kind: "power-off", reason: "none" }],
    [0x7777n, { kind: "reset", reason: "none" }],
    [0x2a3333n, { kind: "exit", code: "42" }],
  ])("finisher %i", (value, halt) => {
    const { bus, halts } = devicesAlone();
    bus.store(at(FINISHER, 0), 4, value);
    expect(halts).toEqual([halt]);
  });

  test("tohost: exit codes, bytes to print, and nothing", () => {
    const { around, engine, halts, printed } = devicesAlone();
    around.state.tohost = RAM_BASE + 8;
    const view = new DataView(new ArrayBuffer(8));
    for (const value of [0n, 2n, 0x0101_0000_0000_0041n, 1n, 7n]) {
      view.setBigUint64(0, value, true);
      engine.writeRam(8, new Uint8Array(view.buffer));
      attendToHost(around);
      if (printed.length === 1 && halts.length === 0) expect(engine.ram[8]).toBe(0);
    }
    expect(printed).toEqual([0x41]);
    expect(halts.map((halt) => (halt.kind === "exit" ? halt.code : ""))).toEqual(["0", "3"]);
  });

  test("addresses without a device, and widths that a device does not take, are refused", () => {
    const { bus } = devicesAlone();
    expect(bus.load(0n, 4)).toBeNull();
    expect(bus.load(1n << 40n, 8)).toBeNull();
    expect(bus.store(at(UART, 0x100), 1, 0n)).toBe(false);
    expect(bus.load(at(UART, 0), 4)).toBeNull();
    expect(bus.load(at(PLIC, 0), 8)).toBeNull();
  });
});
