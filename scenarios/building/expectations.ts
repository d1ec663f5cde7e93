/** Holds a finished run against what its document expects; a failed expectation is a violation. */
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { RunSummary } from "../../traces/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ResolvedExpectation, ResolvedScenario } from "../schema/scenario.generated.ts";

/** Reports each failed expectation as a violation of the world. */
export function checkExpectations(
  world: World,
  document: ResolvedScenario,
  summary: RunSummary,
): void {
  document.expect.forEach((expectation, index) => {
    const failure = failureOf(world, summary, expectation);
    if (failure === undefined) return;
    const driver = world.named("driver");
    const name = `/expect/${index}`;
    world.checker.report({ name, mechanism: "expectation" }, driver, { message: failure });
  });
}

/** Names of invariants that the document expects to be broken: their violations are no failure. */
export function expectedViolations(document: ResolvedScenario): ReadonlySet<string> {
  const names = document.expect.flatMap((each) =>
    "invariant" in each && each.outcome === "violated" ? [each.invariant] : [],
  );
  return new Set(names);
}

function failureOf(
  world: World,
  summary: RunSummary,
  expectation: ResolvedExpectation,
): string | undefined {
  if ("operation" in expectation) return operationFailure(summary, expectation);
  if ("vm" in expectation) return vmFailure(world, expectation);
  if ("invariant" in expectation) return invariantFailure(world, expectation);
  return metricFailure(summary, expectation);
}

function operationFailure(
  summary: RunSummary,
  { operation, outcome, withinMs }: Extract<ResolvedExpectation, { operation: string }>,
): string | undefined {
  // One that a crash cut short and that was taken up again is judged by how it ended at last.
  const parts = summary.operations.filter(({ id }) => id === operation);
  const [first, found] = [parts[0], parts.at(-1)];
  if (first === undefined || found === undefined) return `operation ${operation} never started`;
  if (found.outcome !== outcome) {
    return `operation ${operation} ended as ${found.outcome}, expected ${outcome}`;
  }
  const tookNs = (found.endNs ?? found.startNs) - first.startNs;
  if (withinMs === undefined || tookNs <= fromMs(withinMs)) return undefined;
  return `operation ${operation} took ${tookNs / 1e6} ms, expected at most ${withinMs}`;
}

function vmFailure(
  world: World,
  { vm, state, host, alerts }: Extract<ResolvedExpectation, { vm: string }>,
): string | undefined {
  const record = vmRecordOf(world, vm);
  const actual = powerStateOf(record);
  if (actual !== state) return `VM ${vm} is ${actual}, expected ${state}`;
  if (host !== undefined && record.durable.host !== host) {
    return `VM ${vm} is on ${record.durable.host}, expected ${host}`;
  }
  const raised = record.durable.integrityAlerts ?? 0;
  if (alerts === undefined || raised === alerts) return undefined;
  return `VM ${vm} raised ${raised} integrity alerts, expected ${alerts}`;
}

function invariantFailure(
  world: World,
  { invariant, outcome }: Extract<ResolvedExpectation, { invariant: string }>,
): string | undefined {
  if (outcome === "reached") {
    return world.checker.unreached.includes(invariant) ? `not reached: ${invariant}` : undefined;
  }
  const broken = world.checker.violations.some((each) => each.invariant === invariant);
  if (outcome === "violated") return broken ? undefined : `not violated: ${invariant}`;
  return broken ? `violated: ${invariant}` : undefined;
}

function metricFailure(
  summary: RunSummary,
  { metric, atLeast, atMost }: Extract<ResolvedExpectation, { metric: string }>,
): string | undefined {
  const points = [...summary.metrics.entries()]
    .filter(([key, { series }]) => key === metric || series === metric)
    .flatMap(([, { points: each }]) => each);
  const count = points.reduce((sum, point) => sum + point.count, 0);
  if (count === 0) return `metric ${metric} has no samples`;
  const mean = points.reduce((sum, point) => sum + point.sum, 0) / count;
  if (atLeast !== undefined && mean < atLeast) return `${metric} is ${mean}, below ${atLeast}`;
  if (atMost !== undefined && mean > atMost) return `${metric} is ${mean}, above ${atMost}`;
  return undefined;
}
