// Traced pages: both engines stop before the same accesses, and a machine that is traced computes what it computes anyway.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BareMetal, TOHOST } from "./bare-metal.ts";
import { CompiledEngine } from "./compiled/index.ts";
import { readElf } from "./elf.ts";
import type { Engine, PageTrace, RunResult } from "./engine.ts";
import { PAGE_BYTES } from "./layout.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { lockstep } from "./testing/lockstep.ts";
import { randomise, TEST_RAM_BYTES } from "./testing/random-machine.ts";
import { TestRandom } from "./testing/random.ts";

const OPTIONS = { ramBytes: TEST_RAM_BYTES, harts: 1 } as const;
const PRIMES = readFileSync(new URL("./samples/primes.elf", import.meta.url));
const compiled = (): Engine => new CompiledEngine({ ...OPTIONS, module: image, codePages: 6 });

describe("traced pages", () => {
  test("stop both engines before the same accesses", () => {
    const [reference, other] = [new ReferenceEngine(OPTIONS), compiled()];
    const differences: string[] = [];
    for (let seed = 0; seed < 200; seed++) {
      const random = new TestRandom(seed);
      const options = { instructions: 300, stretch: 60, dropCaches: false, traces: true };
      const { difference } = lockstep(random, reference, other, options);
      if (difference !== null) differences.push(`seed ${seed}: ${difference}`);
    }
    expect(differences).toEqual([]);
  });

  /** Runs with every page traced; each stop finds the page as it was when the trace was set. */
  function traced(engine: Engine, trace: PageTrace, forgets: boolean, steps = 200): string[] {
    const problems: string[] = [];
    const pages = engine.ramBytes / PAGE_BYTES;
    for (let page = 0; page < pages; page++) engine.setPageTrace(page, trace);
    if (!forgets) engine.tracesAdded();
    const before = engine.ram.slice();
    const seen = new Set<number>();
    for (let executed = 0; executed < steps;) {
      const { executed: more, stop } = engine.run(0, steps - executed);
      executed += more;
      if (stop.reason === "trace") {
        const at = stop.page * PAGE_BYTES;
        const old = before.subarray(at, at + PAGE_BYTES);
        const isOld = Buffer.compare(engine.ram.subarray(at, at + PAGE_BYTES), old) === 0;
        if (!isOld) problems.push(`page ${stop.page} was written before its trace was hit`);
        if (seen.has(stop.page)) problems.push(`page ${stop.page} was hit twice`);
        seen.add(stop.page);
        engine.setPageTrace(stop.page, "none");
      } else if (!goOn(engine, stop)) break;
    }
    for (let page = 0; page < pages; page++) {
      const [from, to] = [page * PAGE_BYTES, (page + 1) * PAGE_BYTES];
      const isOld = Buffer.compare(engine.ram.subarray(from, to), before.subarray(from, to)) === 0;
      if (!isOld && !seen.has(page)) problems.push(`page ${page} was written unseen`);
    }
    return problems;
  }

  function goOn(engine: Engine, { reason }: RunResult["stop"]): boolean {
    if (reason === "load" || reason === "store") engine.answer(0, 1n);
    return reason !== "wait" && reason !== "ebreak";
  }

  test.each(["stores", "accesses"] as const)("of %s see every one, and change nothing", (trace) => {
    for (let seed = 0; seed < 60; seed++) {
      const [plain, engine] = [compiled(), compiled()];
      randomise(new TestRandom(seed), [plain, engine]);
      expect(traced(engine, trace, false), `seed ${seed}`).toEqual([]);
      for (let executed = 0; executed < 200;) {
        const result = plain.run(0, 200 - executed);
        executed += result.executed;
        if (executed < 200 && !goOn(plain, result.stop)) break;
      }
      expect(Buffer.compare(plain.readHart(0), engine.readHart(0)), `seed ${seed}`).toBe(0);
      expect(Buffer.compare(plain.ram, engine.ram), `seed ${seed}`).toBe(0);
    }
  });

  test("canary: translations kept from before pass traces by", () => {
    const missed = [false, true].map((forgets) => {
      const engine = new CompiledEngine({ module: image, ramBytes: 1 << 20, harts: 1 });
      const read = readElf(PRIMES, [TOHOST]);
      if (!read.ok) throw new Error(read.problem.message);
      BareMetal.load(engine, read.elf);
      engine.run(0, 20_000);
      return traced(engine, "stores", forgets, 20_000).length > 0;
    });
    expect(missed).toEqual([false, true]);
  });
});
