// Every computing instruction against QEMU, in both engines: an oracle that shares nothing with them.

import { describe, expect, test } from "vitest";
import { CompiledEngine } from "./compiled/index.ts";
import type { Engine } from "./engine.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { haveQemu, runEverywhere } from "./testing/qemu.ts";
import { compressedProgram, compressedTests } from "./testing/qemu-compressed.ts";
import { interruptProgram, interruptTests } from "./testing/qemu-interrupts.ts";
import { protectionProgram, protectionTests } from "./testing/qemu-pmp.ts";
import { floatProgram, floatTests, integerProgram, integerTests } from "./testing/qemu-programs.ts";
import { pagingProgram, pagingTests, trapProgram, trapTests } from "./testing/qemu-traps.ts";

const OPTIONS = { ramBytes: 2 << 20, harts: 1 } as const;

function compare(name: string, body: string, tests: number, withReference: boolean): void {
  const engines: Engine[] = [new CompiledEngine({ ...OPTIONS, module: image })];
  if (withReference) engines.push(new ReferenceEngine(OPTIONS));
  const { qemu, own } = runEverywhere(body, engines);
  expect(qemu.length).toBeGreaterThan(10);
  own.forEach((results, i) => {
    expect(results.length, engines[i]!.kind).toBe(qemu.length);
    const differs = results.findIndex((result, at) => result !== qemu[at]);
    expect(differs, `${engines[i]!.kind}: first result that differs`).toBe(-1);
  });
  console.log(
    `${name}: ${tests} tests, ${tests} passes in ${engines.map((e) => e.kind).join(", ")}`,
  );
}

describe.skipIf(!haveQemu)("against QEMU (needs qemu-system-misc, gcc-riscv64-unknown-elf)", () => {
  test("integer, M and A", () => {
    compare("integer", integerProgram(), integerTests(), true);
  });
  test("single precision in all rounding modes", () => {
    compare("single", floatProgram("s"), floatTests("s"), false);
  });
  test("double precision in all rounding modes", () => {
    compare("double", floatProgram("d"), floatTests("d"), false);
  });
  test("traps", () => {
    compare("traps", trapProgram(), trapTests(), true);
  });
  test("page permissions", () => {
    compare("paging", pagingProgram(), pagingTests(), true);
  });
  test("every 16-bit encoding", () => {
    compare("compressed", compressedProgram(), compressedTests(), false);
  });
  test("interrupts: pending, enabled, delegated, in every mode", () => {
    compare("interrupts", interruptProgram(), interruptTests(), true);
  });
  test("memory protection, open and locked", () => {
    compare("protection", protectionProgram(), protectionTests(), true);
  });
});
