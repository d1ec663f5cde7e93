// What inspection shows of a program under way, held against the machine and against what its page tables do.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TOHOST } from "../bare-metal.ts";
import { CompiledEngine } from "../compiled/index.ts";
import { readElf } from "../elf.ts";
import { Machine } from "../machine.ts";
import { image } from "../testing/image.ts";
import { inspectMachine, type Inspected, symbolsOf, translateAddress, walkPage } from "./index.ts";
import * as layout from "../layout.ts";
import { ReferenceEngine } from "../reference/index.ts";
import { mappingsOf } from "./page-tables.ts";

function loaded(name: string, steps: number): { inspected: Inspected; machine: Machine } {
  const file = readFileSync(new URL(`../samples/${name}.elf`, import.meta.url));
  const read = readElf(file, [TOHOST]);
  if (!read.ok) throw new Error(read.problem.message);
  const engine = new CompiledEngine({ ramBytes: 1 << 20, harts: 1, module: image, codePages: 16 });
  const machine = new Machine(engine);
  machine.loadElf(read.elf);
  engine.run(0, steps);
  return { machine, inspected: { engine, symbols: symbolsOf(file), progress: steps } };
}

const valueAt = (inspected: Inspected, ...path: string[]): unknown => {
  const viewed = inspectMachine(inspected, path);
  return viewed.ok ? viewed.value : viewed.message;
};

describe("a machine under way", () => {
  const { inspected, machine } = loaded("world/talk", 40);

  test("shows its registers, memory and code by name", () => {
    expect(valueAt(inspected, "hart-0", "pc")).toBe(`0x${machine.programCounter(0).toString(16)}`);
    expect(valueAt(inspected, "hart-0", "registers", "sp")).toBe(
      `0x${machine.register(0, 2).toString(16)}`,
    );
    expect(valueAt(inspected, "symbols", "main")).toMatch(/^0x8000/);
    expect(valueAt(inspected, "memory", "_start+4")).toEqual({ "0x80000000": "73 25 40 f1" });
    expect(valueAt(inspected, "code", "_start+1")).toEqual({
      "0x80000000": "_start: csrrs a0,mhartid,zero",
    });
    expect(valueAt(inspected, "hart-0", "page-tables")).toBe("translation is off");
  });

  test.each([
    [["nowhere"], /no member nowhere/],
    [["hart-1"], /no member hart-1/],
    [["hart-0", "registers", "x"], /no member x/],
    [["memory"], /name one place/],
    [["memory", "0x10"], /not in RAM/],
    [["memory", "nobody"], /no address and no symbol/],
    [["code", "0xffffffffffffffffff"], /no address/],
  ])("says what is wrong with %j", (path, message) => {
    expect(valueAt(inspected, ...path)).toMatch(message);
  });
});

test("page tables are shown as the machine walks them", () => {
  for (let steps = 50; steps < 4_000; steps += 50) {
    const { inspected, machine } = loaded("paging", steps);
    const mappings = mappingsOf(inspected.engine, 0);
    if (mappings === null || mappings.length < 2) continue;
    for (const { virtual, physical, bytes } of mappings) {
      for (const offset of [0n, bytes / 2n, bytes - 1n]) {
        expect(translateAddress(inspected.engine, 0, virtual + offset)).toBe(physical + offset);
      }
    }
    const before = machine.stateHash();
    valueAt(inspected, "hart-0", "page-tables");
    expect(machine.stateHash()).toBe(before);
    return;
  }
  expect.unreachable("the program turns translation on");
});

describe("a walk of page tables of which parts are not there", () => {
  const PAGES = 64;
  const entry = fc.record({
    to: fc.nat(PAGES + 2),
    bits: fc.constantFrom(0, 1, 7, 0xcf),
  });
  /** Tables, and all else, of any content: what a guest has there may be no table at all. */
  const memory = fc.array(fc.record({ at: fc.nat(PAGES * 512 - 1), entry }), { maxLength: 4_000 });

  test("is the machine's own where all is there, and never looks at what is not", () => {
    fc.assert(
      fc.property(
        memory,
        fc.nat(PAGES - 1),
        fc.array(fc.tuple(fc.nat(511), fc.nat(511), fc.nat(511)), { maxLength: 40 }),
        fc.func(fc.boolean()),
        (entries, root, indexes, isThere) => {
          const engine = new ReferenceEngine({ ramBytes: PAGES * 4_096, harts: 1 });
          for (const { at, entry } of entries) {
            const bytes = new Uint8Array(8);
            const table = BigInt(0x80000 + entry.to);
            new DataView(bytes.buffer).setBigUint64(0, (table << 10n) | BigInt(entry.bits), true);
            engine.writeRam(at * 8, bytes);
          }
          const hart = engine.readHart(0).slice();
          const words = new DataView(hart.buffer);
          words.setBigUint64(layout.HART_SATP, (8n << 60n) | BigInt(0x80000 + root), true);
          words.setBigUint64(layout.HART_PRIVILEGE, BigInt(layout.PRIVILEGE_S), true);
          engine.writeHart(0, hart);
          for (const [high, middle, low] of indexes) {
            const index = (BigInt(high) << 18n) | (BigInt(middle) << 9n) | BigInt(low);
            const virtual = BigInt.asUintN(64, BigInt.asIntN(39, index << 12n));
            const whole = walkPage(engine, 0, virtual, () => true);
            const physical = translateAddress(engine, 0, virtual);
            if (physical === null) expect("page" in whole).toBe(false);
            else expect(whole).toMatchObject({ page: Number(physical >> 12n) - 0x80000 });
            const looked: number[] = [];
            const partly = walkPage(engine, 0, virtual, (page) => {
              looked.push(page);
              return isThere(page);
            });
            expect(partly.steps).toBeLessThanOrEqual(3);
            if ("table" in partly) expect(isThere(partly.table)).toBe(false);
            else expect(looked.every((page) => isThere(page))).toBe(true);
            if ("page" in partly) expect(partly).toEqual(whole);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
