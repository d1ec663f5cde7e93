import { afterAll, beforeAll, expect, it, vi } from "vitest";

const REPLACED = "seedrandom/lib/xor128.js";
let isBroken = false;

beforeAll(() => {
  vi.resetModules();
  vi.doMock(REPLACED, async (original) => {
    const real = (await original<{ default: (...args: unknown[]) => { int32: () => number } }>())
      .default;
    const patched = (...args: unknown[]) => {
      const generator = real(...args);
      const int32 = generator.int32.bind(generator);
      return Object.assign(generator, { int32: () => (isBroken ? ~int32() : int32()) });
    };
    return { default: patched };
  });
});

afterAll(() => {
  vi.doUnmock(REPLACED);
  vi.resetModules();
});

it("a full trace replays although the generator gives other numbers", async () => {
  const { changingBuilder } = await import("../testing/changing-world.ts");
  const { recordInMemory, runIn } = await import("../testing/record.ts");
  const { replay } = await import("./replayer.ts");
  const builder = changingBuilder();
  const { bytes } = await recordInMemory(builder, { seed: 5 });
  const sampled = runIn((await recordInMemory(builder, { seed: 5 })).bytes).end!.root;
  isBroken = true;
  const broken = runIn((await recordInMemory(builder, { seed: 5 })).bytes).end!.root;
  expect(broken).not.toBe(sampled);
  const result = replay(runIn(bytes), builder, { sameCode: true });
  expect(result).toMatchObject({ verified: true, root: sampled, draws: { fromSeed: 0, fresh: 0 } });
});
