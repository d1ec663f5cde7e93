/**
 * A process with a planted bug that searches as a worker of `orrery explore` does, one block after
 * the other, and asks about each run that breaks something whether it is worth anything.
 */
import { prepareScenario } from "../../../scenarios/index.ts";
import { audit } from "../../explorer/audit.ts";
import { createSearcher, runBlock, type Searcher } from "../../explorer/block.ts";
import { BLOCK_RUNS } from "../../explorer/search.ts";
import { shrinkDocument } from "../../shrinking/shrink.ts";
import type { Effort, FromPlanted, Search, Shrink, ToPlanted } from "./messages.ts";

let searcher: { readonly file: string; readonly searcher: Searcher } | undefined;
let answer: ((goOn: boolean) => void) | undefined;

const tell = (message: FromPlanted): void => void process.send?.(message);

async function searcherFor(file: string): Promise<Searcher | string> {
  if (searcher?.file === file) return searcher.searcher;
  const prepared = await prepareScenario(file);
  if (!prepared.ok) return prepared.problems[0]!.message;
  searcher = { file, searcher: createSearcher(prepared.scenario) };
  return searcher.searcher;
}

/** Time spent waiting for answers is nobody's. */
class Clock {
  #seconds = 0;
  #cpuSeconds = 0;
  #startedMs = performance.now();
  #startedCpu = process.cpuUsage();

  stop(): void {
    const { user, system } = process.cpuUsage(this.#startedCpu);
    this.#seconds += (performance.now() - this.#startedMs) / 1e3;
    this.#cpuSeconds += (user + system) / 1e6;
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#startedCpu = process.cpuUsage();
  }

  effort(runs: number): Effort {
    return { runs, seconds: this.#seconds, cpuSeconds: this.#cpuSeconds };
  }
}

async function search({ scenario, seed, mostRuns, mostSeconds }: Search): Promise<void> {
  const clock = new Clock();
  const found = await searcherFor(scenario);
  if (typeof found === "string") return tell({ type: "refused", message: found });
  const state = { runs: 0, isOver: false };
  /** Whether it is worth nothing: asked where no time is counted. */
  const isWorthless = async (what: FromPlanted): Promise<boolean> => {
    tell(what);
    return new Promise((resolve) => (answer = resolve));
  };
  for (let block = 0; !state.isOver; block++) {
    const { audits } = await runBlock(found, {
      seed,
      strategy: "swarm",
      auditAll: false,
      block,
      blockRuns: BLOCK_RUNS,
      runs: BLOCK_RUNS,
      skip: [],
      afterRun: async (_, document, { violations }) => {
        state.runs++;
        clock.stop();
        const effort = clock.effort(state.runs);
        const [violation] = violations;
        if (violation !== undefined) {
          state.isOver = !(await isWorthless({ type: "found", document, violation, effort }));
          if (state.isOver) return;
        }
        state.isOver = state.runs >= mostRuns || effort.cpuSeconds >= mostSeconds;
        if (state.isOver) tell({ type: "nothing", effort });
        clock.start();
      },
      isStopped: () => state.isOver,
    });
    for (const task of audits) {
      if (state.isOver) break;
      const { run, document } = task;
      if (audit(found.scenario, task) === null) continue;
      clock.stop();
      const effort = clock.effort(state.runs);
      state.isOver = !(await isWorthless({ type: "differs", document, run, effort }));
      clock.start();
    }
  }
}

async function shrink({ document, violation, mostRuns }: Shrink): Promise<void> {
  const { invariant, mechanism } = violation;
  const options = { invariant, mechanism, mostRuns };
  const shrunk = await shrinkDocument(searcher!.searcher.scenario, document, options);
  tell({
    type: "shrunk",
    document: shrunk?.document ?? null,
    resolved: shrunk?.resolved ?? null,
    isMinimal: shrunk?.isMinimal ?? false,
  });
}

process.on("message", (message: ToPlanted) => {
  switch (message.type) {
    case "search":
      return void search(message);
    case "shrink":
      return void shrink(message);
    case "go on":
      return answer?.(true);
    case "enough":
      return answer?.(false);
  }
});
process.on("disconnect", () => process.exit());
tell({ type: "ready" });
