// Every 16-bit instruction stands for the same 32-bit one in both engines.

import { expect, test } from "vitest";
import { expandCompressed } from "./reference/compressed.ts";
import { CompiledEngine } from "./compiled/index.ts";
import { image } from "./testing/image.ts";

test("all 49,152 halfwords that are instructions expand alike", () => {
  const engine = new CompiledEngine({ module: image, ramBytes: 1 << 16, harts: 1 });
  for (let halfword = 0; halfword < 0x10000; halfword++) {
    if ((halfword & 3) === 3) continue;
    const expanded = expandCompressed(halfword) ?? 0;
    if (engine.expand(halfword) !== expanded) expect.fail(`0x${halfword.toString(16)} differs`);
  }
});
