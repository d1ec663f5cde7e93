/** Executes `orrery explore --strategy exhaustive`: every choice of a small document. */
import { type Exhaustive, exhaust, exhaustiveResult } from "../../properties/index.ts";
import type { ReadyScenario } from "../../scenarios/index.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { ExploreFlags } from "./explore.ts";
import { saveAndReport } from "./explore-report.ts";

/** Runs after which it is cut, unless told. */
const MOST_RUNS = 100_000;

export async function executeExhaustive(
  context: Context,
  scenario: ReadyScenario,
  flags: ExploreFlags,
): Promise<ExitCode> {
  const { document } = scenario;
  if (document.faults.length === 0) {
    return context.usage("exhaustive: the scenario names no fault; each is tried at every step");
  }
  if (flags.shard !== undefined || flags.audit === true) {
    return context.usage("exhaustive: takes neither --shard nor --audit");
  }
  const startedMs = performance.now();
  const passedMs = (): number => performance.now() - startedMs;
  const found = await exhaust(scenario, document, {
    mostRuns: flags.runs ?? MOST_RUNS,
    isStopped: () => context.signal.aborted || passedMs() > (flags.for ?? Infinity),
    onProgress: (soFar) => context.progress.update(lineOf(soFar)),
  });
  const exhaustive = {
    orders: found.orders,
    states: found.states,
    merged: found.merged,
    unverified: found.unverified,
    isComplete: found.isComplete,
  };
  context.print(lineOf(found));
  const wallMs = Math.round(passedMs());
  const result = exhaustiveResult(scenario, found.tally);
  return saveAndReport(context, scenario, result, { wallMs, lostWorkers: 0, workers: 1 }, flags, {
    exhaustive,
  });
}

function lineOf({ orders, states, merged, tally, isComplete }: Exhaustive): string {
  const [done, all] = orders;
  return (
    `${done} of ${all} orders, ${states.toLocaleString("en")} states, ` +
    `${merged.toLocaleString("en")} runs merged into others, ` +
    `${tally.runs.toLocaleString("en")} to the end${isComplete ? ": complete" : ""}`
  );
}
