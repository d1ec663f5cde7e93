// `node --import tsx properties/bugs/exhaustive.hunt.ts NAME...`: plants each of these bugs and makes every choice of
// scenarios/small-scope.ts until one is found; says after how many runs, or that the whole scope does not show it.
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bank } from "./bank.ts";
import { plant } from "./loading/planting.ts";

const CLI = fileURLToPath(new URL("../../cli/bin.mjs", import.meta.url));
const SCENARIO = fileURLToPath(new URL("../../scenarios/small-scope.ts", import.meta.url));

interface Output {
  readonly runs: number;
  readonly wallMs: number;
  readonly exhaustive: { readonly isComplete: boolean };
  readonly findings: readonly { readonly invariant: string; readonly message: string }[];
}

for (const name of process.argv.slice(2)) {
  const bug = bank.find((each) => each.name === name);
  if (bug === undefined) {
    console.log(`${name}: no such bug`);
    continue;
  }
  const cache = mkdtempSync(join(tmpdir(), "orrery-exhaustive-"));
  const env = await plant(bug, cache);
  const search = ["--strategy", "exhaustive", "--findings", "1", "--shrink-runs", "60"];
  const args = [CLI, "explore", SCENARIO, ...search, "--json", "-o", join(cache, "found")];
  const { stdout } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  const { runs, wallMs, exhaustive, findings } = JSON.parse(stdout) as Output;
  const [first] = findings;
  const whole = exhaustive.isComplete ? "not in the whole scope" : "not found";
  const what = first === undefined ? whole : `${first.invariant}: ${first.message}`;
  console.log(`${name}: ${runs} runs, ${Math.round(wallMs / 1_000)} s: ${what}`);
}
