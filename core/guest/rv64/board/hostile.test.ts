// Whatever a guest does to the devices, nothing throws and nothing leaves RAM: random register accesses over random queues
// and descriptors, answers of the host in between, to questions asked and to others.

import fc from "fast-check";
import { expect, test } from "vitest";
import { RAM_BASE } from "../layout.ts";
import { takeInput } from "./inputs.ts";
import { CLINT, FINISHER, PLIC, UART, VIRTIO } from "./memory-map.ts";
import { INDIRECT_DESCRIPTORS } from "./virtio/device.ts";
import { CONFIG, devicesAlone, RAM_BYTES } from "./testing/bench.ts";

const DISK = CONFIG.disks[0]!;
const NIC = CONFIG.nics[0]!;
const DEVICES = 4;

/** Addresses that are mostly inside RAM, low as rings and tables are. */
const address = fc.oneof(
  { weight: 6, arbitrary: fc.nat(RAM_BYTES / 64).map((i) => RAM_BASE + i * 16) },
  { weight: 1, arbitrary: fc.nat(0xffff_ffff) },
);
const registers = [0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x50, 0x50, 0x64, 0x70, 0x80, 0x84];
const places = [0x90, 0x94, 0xa0, 0xa4];
const value = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 8, 11, 15), fc.nat(300), address);

const access = fc.record({
  base: fc.constantFrom(
    ...Array.from({ length: DEVICES }, (_, i) => VIRTIO.base + i * VIRTIO.bytes),
    UART.base,
    PLIC.base,
    CLINT.base,
    FINISHER.base,
  ),
  offset: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...registers, ...places) },
    { weight: 1, arbitrary: fc.nat(0xfff) },
    { weight: 1, arbitrary: fc.nat(0x20_2000) },
  ),
  bytes: fc.constantFrom(4, 4, 4, 1, 2, 8),
  value,
  store: fc.boolean(),
});

/** A queue set up as a driver would, so that the descriptors are looked at. */
const driver = fc.record({ device: fc.nat(DEVICES - 1), queue: fc.nat(1), at: fc.nat(200) });

const descriptor = fc.record({
  at: fc.nat(63),
  address,
  length: fc.oneof(fc.constantFrom(0, 1, 12, 16, 512, 513, 2000), fc.nat(0xffff_ffff)),
  flags: fc.nat(7),
  next: fc.oneof(fc.nat(9), fc.nat(0xffff)),
});

/** A sound request of three descriptors, for others to spoil. */
const request = fc.record({
  type: fc.constantFrom(0, 1, 4, 8, 11, 13, 77),
  sector: fc.nat(20),
  length: fc.constantFrom(0, 16, 512, 1024, 1500),
  toMemory: fc.boolean(),
});

const step = fc.oneof(
  { weight: 3, arbitrary: request.map((it) => ({ kind: "request", ...it }) as const) },
  { weight: 4, arbitrary: access.map((it) => ({ kind: "access", ...it }) as const) },
  { weight: 2, arbitrary: driver.map((it) => ({ kind: "driver", ...it }) as const) },
  { weight: 4, arbitrary: descriptor.map((it) => ({ kind: "descriptor", ...it }) as const) },
  { weight: 2, arbitrary: fc.nat(3).map((which) => ({ kind: "answer", which }) as const) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Machine = ReturnType<typeof devicesAlone>;

const QUEUE_AT = 4096;

const RINGS_AT = QUEUE_AT + 512;
const HEADER_AT = 8192;

function put16(made: Machine, offset: number, ...values: readonly number[]): void {
  const bytes = values.flatMap((number) => [number & 0xff, number >> 8]);
  made.engine.writeRam(offset, Uint8Array.from(bytes));
}

function describeRequest(made: Machine, it: Extract<Step, { kind: "request" }>): void {
  const descriptor = (i: number, at: number, length: number, flags: number): void =>
    put16(made, QUEUE_AT + i * 16, at, 0x8000, 0, 0, length, 0, flags, i + 1);
  put16(made, HEADER_AT, it.type, 0, 0, 0, it.sector, 0, 0, 0);
  descriptor(0, HEADER_AT, 16, 1);
  descriptor(1, HEADER_AT + 512, it.length, it.toMemory ? 3 : 1);
  descriptor(2, HEADER_AT + 256, 1, 2);
}

function setUp(made: Machine, device: number, queue: number, index: number): void {
  const { bus } = made;
  // Flags, index, and the heads: mostly of the sound request.
  put16(made, RINGS_AT, 0, index % 5, 0, 0, index % 9, 0);
  const base = BigInt(VIRTIO.base + device * VIRTIO.bytes);
  const put = (offset: number, number: number): void =>
    void bus.store(base + BigInt(offset), 4, BigInt(number));
  put(0x70, 0);
  put(0x70, 3);
  put(0x24, 0);
  put(0x20, index % 2 === 0 ? INDIRECT_DESCRIPTORS : 0);
  put(0x24, 1);
  put(0x20, 1);
  put(0x70, 11);
  put(0x30, queue);
  put(0x38, 8);
  const table = RAM_BASE + QUEUE_AT;
  [table, table + 512 + (index % 7 === 6 ? 1 : 0), table + 1024].forEach((at, i) =>
    put(0x80 + i * 16, at),
  );
  put(0x44, 1);
  put(0x70, 15);
  put(0x50, queue);
}

function answer({ around, bus, emissions }: Machine, which: number): void {
  const asked = emissions.shift();
  const request =
    which === 0 || asked === undefined ? 99_999 : "request" in asked ? asked.request : 1;
  if (asked?.kind === "need-random")
    takeInput(around, bus, { kind: "random", request, bytes: new Uint8Array(asked.bytes) });
  else if (asked?.kind === "block" && asked.io.op === "read") {
    const { sectors } = asked.io;
    const runs = [{ kind: "zero", sectors } as const];
    takeInput(around, bus, { kind: "block-done", disk: DISK.id, request, ok: which < 3, runs });
  } else if (which === 1)
    takeInput(around, bus, { kind: "packet", nic: NIC.id, bytes: new Uint8Array(60) });
  else if (which === 2)
    takeInput(around, bus, { kind: "console", port: "virtio", bytes: Uint8Array.of(65, 66) });
  else takeInput(around, bus, { kind: "block-done", disk: DISK.id, request, ok: true });
}

function perform(made: Machine, it: Step): void {
  const { engine, bus } = made;
  if (it.kind === "access") {
    const at = BigInt(it.base + Math.floor(it.offset / it.bytes) * it.bytes);
    if (it.store) bus.store(at, it.bytes, BigInt.asUintN(it.bytes * 8, BigInt(it.value)));
    else bus.load(at, it.bytes);
  } else if (it.kind === "driver") setUp(made, it.device, it.queue, it.at);
  else if (it.kind === "descriptor") {
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setBigUint64(0, BigInt(it.address), true);
    bytes.setUint32(8, it.length, true);
    bytes.setUint16(12, it.flags, true);
    bytes.setUint16(14, it.next, true);
    engine.writeRam(QUEUE_AT + it.at * 16, new Uint8Array(bytes.buffer));
  } else if (it.kind === "request") describeRequest(made, it);
  else answer(made, it.which);
}

const steps = fc.array(step, { maxLength: 120, size: "max" });

test("random drivers neither crash the devices nor reach beyond RAM", () => {
  let emitted = 0;
  let broken = 0;
  fc.assert(
    fc.property(steps, (list) => {
      const made = devicesAlone();
      for (const it of list) {
        perform(made, it);
        for (const output of made.emissions)
          if (output.kind === "block" && output.io.op !== "flush")
            expect(output.io.sector + output.io.sectors).toBeLessThanOrEqual(DISK.sectors);
        emitted += made.emissions.length;
        if (made.emissions.length > 20) made.emissions.length = 0;
      }
      broken += made.around.state.virtio.filter(({ status }) => (status & 64) !== 0).length;
      expect(structuredClone(made.around.state)).toEqual(made.around.state);
    }),
    { numRuns: 300, seed: 7 },
  );
  // The search reached what it is about.
  expect(emitted).toBeGreaterThan(500);
  expect(broken).toBeGreaterThan(50);
});
