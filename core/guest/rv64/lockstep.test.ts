// Both engines do the same on random machines: every class of instruction, illegal ones, random control registers, page
// tables, protection, interrupts and exits at random instants, caches dropped at random instants.

import { describe, expect, test } from "vitest";
import { CompiledEngine } from "./compiled/index.ts";
import type { Engine } from "./engine.ts";
import * as layout from "./layout.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { lockstep } from "./testing/lockstep.ts";
import { TEST_RAM_BYTES } from "./testing/random-machine.ts";
import { TestRandom } from "./testing/random.ts";

const OPTIONS = { ramBytes: TEST_RAM_BYTES, harts: 1 } as const;

/** Runs seeds through both engines; the first difference found, with its seed. */
function hunt(other: Engine, seeds: readonly number[], stretch: number, dropCaches: boolean) {
  const reference = new ReferenceEngine(OPTIONS);
  let executed = 0;
  for (const seed of seeds) {
    const run = lockstep(new TestRandom(seed), reference, other, {
      instructions: 400,
      stretch,
      dropCaches,
    });
    executed += run.executed;
    if (run.difference !== null) return { difference: `seed ${seed}: ${run.difference}`, executed };
  }
  return { difference: null, executed };
}

const seeds = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

describe("two engines on random machines", () => {
  test.each([
    { stretch: 12, from: 0, dropCaches: true },
    { stretch: 150, from: 10_000, dropCaches: true },
    { stretch: 60, from: 20_000, dropCaches: false },
  ])("agree in stretches of up to $stretch", ({ stretch, from, dropCaches }) => {
    const compiled = new CompiledEngine({ ...OPTIONS, module: image, codePages: 6 });
    const { difference, executed } = hunt(compiled, seeds(from, 150), stretch, dropCaches);
    expect(difference).toBeNull();
    expect(executed).toBeGreaterThan(30_000);
  });

  test("canary: an engine that forgets one flag of one instruction is caught", () => {
    const broken = new CompiledEngine({ ...OPTIONS, module: image });
    const run = broken.run.bind(broken);
    broken.run = (hart, budget, stepOver) => {
      const result = run(hart, budget, stepOver);
      const block = broken.readHart(0);
      const view = new DataView(block.buffer);
      const inexact = view.getBigUint64(layout.HART_FCSR, true) & 1n;
      if (inexact === 0n) return result;
      view.setBigUint64(layout.HART_FCSR, view.getBigUint64(layout.HART_FCSR, true) & ~1n, true);
      broken.writeHart(0, block);
      return result;
    };
    expect(hunt(broken, seeds(0, 40), 20, false).difference).not.toBeNull();
  });
});
