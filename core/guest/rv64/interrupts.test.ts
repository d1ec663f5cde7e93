// Of several interrupts that are ready, the one to take (privileged specification 3.1.9): external before software before
// timer, machine before supervisor; those delegated only when none is left to machine mode. In both engines.

import fc from "fast-check";
import { expect, test } from "vitest";
import { ALL_INTERRUPTS, SUPERVISOR_INTERRUPTS } from "./architecture.ts";
import { CompiledEngine } from "./compiled/index.ts";
import type { Engine } from "./engine.ts";
import { initialHart } from "./initial-state.ts";
import * as layout from "./layout.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";

const OPTIONS = { ramBytes: 8192, harts: 1 } as const;
const PRIORITY = [11, 3, 7, 9, 1, 5];
const INTERRUPT = 1n << 63n;
const BASE = BigInt(layout.RAM_BASE);
/** A jump to itself: what handlers do. */
const STAY = Uint8Array.of(0x6f, 0, 0, 0);

const highest = (bits: number): number => PRIORITY.find((number) => (bits >> number) & 1)!;

/** The cause a hart in user mode ends up with, and whether the supervisor got it. */
function taken(engine: Engine, pending: number, delegated: number) {
  const block = initialHart(0, BASE);
  const view = new DataView(block.buffer);
  const put = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  put(layout.HART_PRIVILEGE, 0n);
  put(layout.HART_MTVEC, BASE);
  put(layout.HART_STVEC, BASE);
  put(layout.HART_MIE, BigInt(ALL_INTERRUPTS));
  put(layout.HART_MIDELEG, BigInt(delegated));
  put(layout.HART_MIP, BigInt(pending & SUPERVISOR_INTERRUPTS));
  put(layout.HART_PINS, BigInt(pending & ~SUPERVISOR_INTERRUPTS));
  engine.writeRam(0, STAY);
  engine.writeHart(0, block);
  engine.run(0, 1);
  const scause = engine.word(0, layout.HART_SCAUSE);
  const mcause = engine.word(0, layout.HART_MCAUSE);
  return scause === 0n
    ? { cause: mcause - INTERRUPT, supervisor: false }
    : { cause: scause - INTERRUPT, supervisor: true };
}

test("the interrupt of the highest priority is taken", () => {
  const both = [new ReferenceEngine(OPTIONS), new CompiledEngine({ ...OPTIONS, module: image })];
  const bits = fc.subarray([1, 3, 5, 7, 9, 11], { minLength: 1 });
  const delegable = fc.subarray([1, 5, 9]);
  const mask = (numbers: readonly number[]): number =>
    numbers.reduce((all, number) => all | (1 << number), 0);
  fc.assert(
    fc.property(bits, delegable, (pendingBits, delegatedBits) => {
      const pending = mask(pendingBits);
      const delegated = mask(delegatedBits);
      const machine = pending & ~delegated;
      const expected = {
        cause: BigInt(highest(machine !== 0 ? machine : pending)),
        supervisor: machine === 0,
      };
      for (const engine of both)
        expect(taken(engine, pending, delegated), engine.kind).toEqual(expected);
    }),
    { seed: 3 },
  );
});
