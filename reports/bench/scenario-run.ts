// Runs a scenario, in a process of its own, and prints what it cost as JSON. Arguments: the scenario,
// and the path of the trace, or "-" to record nothing. It is run a few times: the first ones are not
// counted, and by then the code is compiled.
import { argv, cpuUsage } from "node:process";
import { createTraceFile } from "../../traces/index.ts";
import { prepareScenario, runScenario } from "../../scenarios/index.ts";

const WARM_UP = 2;
const COUNTED = 4;

export interface ScenarioFigures {
  readonly wallSeconds: number;
  /** Of all threads, the closing of the trace included. */
  readonly cpuSeconds: number;
}

const [scenario, path] = [argv[2]!, argv[3]!];
const prepared = await prepareScenario(scenario, {});
if (!prepared.ok) throw new Error(prepared.problems[0]!.message);

async function runOnce(): Promise<void> {
  if (!prepared.ok) return;
  await runScenario(prepared.scenario, {
    entropy: "seed",
    log: "full",
    untilNs: prepared.scenario.document.durationMs * 1_000_000,
    ...(path !== "-" && { openTrace: (header) => createTraceFile(path, header) }),
  });
}

for (let run = 0; run < WARM_UP; run++) await runOnce();
const cpuBefore = cpuUsage();
const started = performance.now();
for (let run = 0; run < COUNTED; run++) await runOnce();
const wallSeconds = (performance.now() - started) / 1_000;
const { user, system } = cpuUsage(cpuBefore);
const figures: ScenarioFigures = { wallSeconds, cpuSeconds: (user + system) / 1_000_000 };
console.log(JSON.stringify(figures));
