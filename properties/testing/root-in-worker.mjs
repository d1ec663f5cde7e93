/** Runs a scenario in a worker thread and posts its root. `workerData`: { scenario, settings, untilNs }. */
import { parentPort, workerData } from "node:worker_threads";
import { tsImport } from "tsx/esm/api";

const { prepareScenario, runScenario } = await tsImport(
  "../../scenarios/index.ts",
  import.meta.url,
);
const { scenario, settings, untilNs } = workerData;
const prepared = await prepareScenario(scenario, { settings });
if (!prepared.ok) throw new Error(prepared.problems[0].message);
const { root } = await runScenario(prepared.scenario, { entropy: "seed", log: "full", untilNs });
parentPort.postMessage(root);
