/**
 * A worker process of a search: loads the scenario once, then does blocks of runs and audits as it
 * is told. It keeps nothing between them but what every worker finds alike, so it can be lost at
 * any moment and its block be done elsewhere.
 */
import type { ReadyScenario } from "../../scenarios/index.ts";
import { type CrashTask, doCrashTask } from "../crash-enumeration/crash-task.ts";
import { audit } from "./audit.ts";
import { createSearcher, runBlock, type Searcher } from "./block.ts";
import type { BlockTask, FromWorker, ToWorker } from "./messages.ts";
import type { Alive } from "./run-document.ts";
import type { SearchRequest } from "./search.ts";
import { GENERATED, openSearched } from "./searched.ts";

let scenario: ReadyScenario | undefined;
let searcher: Searcher | undefined;
let request: SearchRequest | undefined;
let isStopped = false;

let toldMs = 0;

/** Processor time since this was last asked. */
function cpuMs(): number {
  const before = toldMs;
  const { user, system } = process.cpuUsage();
  toldMs = (user + system) / 1_000;
  return toldMs - before;
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

/** Seconds of a run, where a computer has much else to do. */
const ALIVE: Alive = { every: 65_536, tell: () => tell({ type: "alive" }) };

async function open(asked: SearchRequest): Promise<void> {
  request = asked;
  const prepared = await openSearched(asked.scenario, asked.settings);
  if (!prepared.ok) return tell({ type: "refused", message: prepared.problems[0]!.message });
  scenario = prepared.scenario;
  tell({ type: "ready", cpuMs: cpuMs() });
}

async function doBlock(
  { block, runs, skip, findings }: BlockTask,
  careful: boolean,
): Promise<void> {
  const { seed, strategy, blockRuns, auditAll } = request!;
  searcher ??= createSearcher(scenario!, request!.scenario === GENERATED);
  const result = await runBlock(searcher, {
    seed,
    strategy,
    blockRuns,
    auditAll,
    block,
    runs,
    skip,
    findings: findings ?? Infinity,
    beforeDraw: (run) => tell({ type: "running", run }),
    ...(careful && { beforeRun: (run, document) => tell({ type: "running", run, document }) }),
    alive: ALIVE,
    isStopped: () => isStopped,
  });
  tell({ type: "block", result, cpuMs: cpuMs() });
}

async function doCrashes(task: CrashTask): Promise<void> {
  const result = await doCrashTask(scenario!, task, ALIVE.tell);
  tell({ type: "crashed", result });
}

function onMessage(message: ToWorker): void {
  switch (message.type) {
    case "open":
      return void open(message.request);
    case "block":
      return void doBlock(message.task, message.careful);
    case "audit": {
      const mismatch = audit(scenario!, message.task, { alive: ALIVE });
      return tell({ type: "audited", mismatch, cpuMs: cpuMs() });
    }
    case "crashes":
      return void doCrashes(message.task);
    case "stop":
      isStopped = true;
  }
}

process.on("uncaughtException", (error) => {
  const message: FromWorker = { type: "threw", message: String(error) };
  process.send?.(message, () => process.exit(1));
});
process.on("message", (message) => onMessage(message as ToWorker));
// Ctrl-C and `timeout` reach the whole process group: the search decides when its workers end.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());
