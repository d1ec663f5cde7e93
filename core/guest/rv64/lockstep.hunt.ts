// The long form of lockstep.test.ts: `node --import tsx core/guest/rv64/lockstep.hunt.ts [first seed] [seeds]`. Prints the
// seeds at which the engines differ; exits 1 if there are any.

import { CompiledEngine } from "./compiled/index.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { lockstep } from "./testing/lockstep.ts";
import { TEST_RAM_BYTES } from "./testing/random-machine.ts";
import { TestRandom } from "./testing/random.ts";

const first = Number(process.argv[2] ?? 100_000);
const count = Number(process.argv[3] ?? 5_000);
const options = { ramBytes: TEST_RAM_BYTES, harts: 1 } as const;
const reference = new ReferenceEngine(options);
const compiled = new CompiledEngine({ ...options, module: image, codePages: 6 });

let executed = 0;
for (let seed = first; seed < first + count; seed++) {
  const stretch = [1, 12, 60, 300][seed % 4]!;
  const plan = { instructions: 600, stretch, dropCaches: seed % 3 !== 0 };
  const run = lockstep(new TestRandom(seed), reference, compiled, plan);
  executed += run.executed;
  if (run.difference === null) continue;
  console.log(`seed ${seed}: ${run.difference}`);
  process.exitCode = 1;
}
console.log(`${count} machines, ${executed} instructions`);
