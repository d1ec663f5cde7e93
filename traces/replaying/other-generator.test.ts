import { expect, it, vi } from "vitest";
import { changingBuilder } from "../testing/changing-world.ts";
import { recordInMemory, runIn } from "../testing/record.ts";
import { replay } from "./replayer.ts";

const state = vi.hoisted(() => ({ broken: false }));

vi.mock("seedrandom/lib/xor128.js", async (original) => {
  const real = (await original<{ default: (...args: unknown[]) => { int32: () => number } }>())
    .default;
  const patched = (...args: unknown[]) => {
    const generator = real(...args);
    const int32 = generator.int32.bind(generator);
    return Object.assign(generator, { int32: () => (state.broken ? ~int32() : int32()) });
  };
  return { default: patched };
});

it("a full trace replays although the generator gives other numbers", async () => {
  const builder = changingBuilder();
  const { bytes } = await recordInMemory(builder, { seed: 5 });
  const sampled = runIn((await recordInMemory(builder, { seed: 5 })).bytes).end!.root;
  state.broken = true;
  const broken = runIn((await recordInMemory(builder, { seed: 5 })).bytes).end!.root;
  expect(broken).not.toBe(sampled);
  const result = replay(runIn(bytes), builder, { sameCode: true });
  expect(result).toMatchObject({ verified: true, root: sampled, draws: { fromSeed: 0, fresh: 0 } });
});
