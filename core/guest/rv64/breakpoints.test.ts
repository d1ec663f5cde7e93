// Breakpoints stop both engines at the same instruction, at every visit, and change nothing else.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CompiledEngine } from "./compiled/index.ts";
import { readElf } from "./elf.ts";
import type { Engine } from "./engine.ts";
import { Machine } from "./machine.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { TestRandom } from "./testing/random.ts";

const OPTIONS = { ramBytes: 1 << 20, harts: 1 } as const;
const STEPS = 3000;

function load(engine: Engine): Machine {
  const read = readElf(readFileSync(new URL("./samples/primes.elf", import.meta.url)));
  if (!read.ok) throw new Error(read.problem.message);
  const machine = new Machine(engine);
  expect(machine.loadElf(read.elf)).toBeNull();
  return machine;
}

/** Addresses of the instructions executed from the start. */
function path(): bigint[] {
  const machine = load(new ReferenceEngine(OPTIONS));
  return Array.from({ length: STEPS }, () => {
    const at = machine.programCounter(0);
    machine.engine.run(0, 1);
    return at;
  });
}

/** Instructions executed at each stop. */
function stops(engine: Engine, breakpoints: readonly bigint[]): number[] {
  const machine = load(engine);
  engine.setBreakpoints(breakpoints);
  const found: number[] = [];
  for (let executed = 0, over = false; executed < STEPS;) {
    const run = engine.run(0, STEPS - executed, over);
    executed += run.executed;
    over = run.stop.reason === "breakpoint";
    if (!over) break;
    found.push(executed);
    expect(breakpoints).toContain(machine.programCounter(0));
  }
  return found;
}

test("both engines stop at every visit of a breakpoint", () => {
  const visited = path();
  const random = new TestRandom(3);
  for (let round = 0; round < 10; round++) {
    const breakpoints = [1, 2, 3].map(() => random.pick(visited));
    const expected = visited.flatMap((pc, i) => (breakpoints.includes(pc) ? [i] : []));
    const compiled = new CompiledEngine({ ...OPTIONS, module: image });
    expect(stops(compiled, breakpoints)).toEqual(expected);
    expect(stops(new ReferenceEngine(OPTIONS), breakpoints)).toEqual(expected);
  }
});
