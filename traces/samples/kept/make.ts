// Makes the kept traces anew. Only when the container's major version changes, or what a root is
// made of: they are kept to show that traces of older code still replay. Run: npm run kept-traces
import { writeFileSync } from "node:fs";
import { changingBuilder } from "../../testing/changing-world.ts";
import { recordInMemory } from "../../testing/record.ts";

const SEEDS = { "neutral-draw": 11, "altering-draw": 12, "changed-distribution": 13 };

for (const [name, seed] of Object.entries(SEEDS)) {
  const { bytes } = await recordInMemory(changingBuilder(), { seed });
  writeFileSync(new URL(`./${name}.orrery`, import.meta.url), bytes);
}
