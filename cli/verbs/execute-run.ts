/** Executes `orrery run`: records, shows progress, prints what happened and how to see more. */
import { rm } from "node:fs/promises";
import pc from "picocolors";
import { expectedViolations, runScenario, type ScenarioRun } from "../../scenarios/index.ts";
import {
  createTraceFile,
  kindAndVm,
  type OperationSummary,
  type RunSummary,
  type TraceHeader,
} from "../../traces/index.ts";
import type { PlainObject, Violation } from "../../core/kernel/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { formatTime } from "../time.ts";
import { ConsoleInput } from "./console-input.ts";
import type { RunRequest } from "./run-request.ts";

export async function executeRun(context: Context, request: RunRequest): Promise<ExitCode> {
  const { out, entropy, untilNs, log } = request;
  const { scenario } = request;
  const typed = request.console ? new ConsoleInput() : undefined;
  const startedMs = performance.now();
  try {
    const run = await runScenario(scenario, {
      entropy,
      untilNs,
      log,
      ...(out !== undefined && {
        openTrace: (header: TraceHeader) => createTraceFile(out, header),
      }),
      signal: context.signal,
      ...(typed && { takeInput: () => typed.take() }),
      onProgress: ({ simulatedNs, events }) => {
        if (context.progress.shown) {
          context.progress.update(progressLine(simulatedNs, untilNs, events, startedMs));
        }
      },
    });
    context.progress.clear();
    printRun(context, request, run);
    context.result(resultOf(request, run));
    return exitOf(run);
  } catch (error) {
    if (out !== undefined && isMissingFolder(error)) {
      await rm(out, { force: true });
      return context.missing(`${out} cannot be written: ${(error as Error).message}`);
    }
    throw error;
  } finally {
    typed?.close();
  }
}

export function progressLine(
  simulatedNs: number,
  untilNs: number,
  events: number,
  startedMs: number,
): string {
  const seconds = (performance.now() - startedMs) / 1_000;
  const done = untilNs === 0 ? 1 : simulatedNs / untilNs;
  const etaSeconds = done > 0 ? (seconds / done) * (1 - done) : 0;
  const rate = Math.round(events / Math.max(seconds, 0.001)).toLocaleString("en");
  const percent = Math.floor(done * 100);
  return `${percent} %  ${formatTime(simulatedNs)} simulated  ${rate} events/s  ETA ${Math.ceil(etaSeconds)} s`;
}

function exitOf({ outcome }: ScenarioRun): ExitCode {
  if (outcome === "interrupted") return EXIT.interrupted;
  return outcome === "violation" ? EXIT.violation : EXIT.fine;
}

const isMissingFolder = (error: unknown): boolean =>
  ["ENOENT", "EACCES", "EROFS", "EISDIR", "ENOTDIR"].includes(
    (error as { code?: string }).code ?? "",
  );

/** The one command that makes this violation again. */
function reproduceCommand(request: RunRequest): string {
  const { scenario, entropy, out, settings } = request;
  const sets = settings.map((setting) => ` --set '${setting.replaceAll("'", "'\\''")}'`).join("");
  if (entropy === "os" && out !== undefined) return `npx orrery replay ${out}`;
  return `npx orrery run ${request.file} --seed ${scenario.document.seed}${sets}`;
}

function resultOf(request: RunRequest, run: ScenarioRun): object {
  const { document } = request.scenario;
  const { world, summary } = run;
  const reproduce = reproduceCommand(request);
  return {
    scenario: document.name,
    seed: document.seed,
    codeVersion: run.codeVersion,
    outcome: run.outcome,
    events: world.eventCount,
    draws: world.gate.counts().draws,
    durableSteps: world.durableSteps,
    simulatedNs: world.timeNs,
    wallMs: run.wallMs,
    root: run.root,
    domains: run.domains,
    vms: Object.fromEntries(Object.entries(run.outputs).map(([vm, { hash }]) => [vm, hash])),
    trace: request.out ?? null,
    violations: world.checker.violations.map((each) => ({ ...each, reproduce })),
    unreached: run.unreached,
    operations: summary.operations,
  };
}

function printRun(context: Context, request: RunRequest, run: ScenarioRun): void {
  const { document } = request.scenario;
  const { world, summary } = run;
  context.print(`${pc.bold(document.name)}  seed ${document.seed}  root ${pc.bold(run.root)}`);
  const simulated = formatTime(world.timeNs);
  const { draws } = world.gate.counts();
  context.print(
    `${world.eventCount.toLocaleString("en")} events, ${draws.toLocaleString("en")} draws, ` +
      `${world.durableSteps.toLocaleString("en")} durable steps in ${simulated} simulated ` +
      `(${(run.wallMs / 1_000).toFixed(1)} s)`,
  );
  for (const line of chronicle(summary)) context.print(`  ${line}`);
  const expected = expectedViolations(document);
  for (const violation of world.checker.violations) {
    const isExpected = expected.has(violation.invariant);
    context.print(violationLine(violation, isExpected));
    if (!isExpected) context.print(`    reproduce: ${reproduceCommand(request)}`);
  }
  for (const name of run.unreached) context.print(pc.dim(`  not reached: ${name}`));
  if (run.outcome === "interrupted") context.print(pc.yellow("interrupted; the trace is whole"));
  else if (run.outcome === "complete") context.print(pc.green("no violations"));
  if (request.out !== undefined) {
    context.print(`trace ${request.out} (${((run.traceBytes ?? 0) / 1024).toFixed(0)} KiB)`);
  }
}

/** Operations in their own right and what befell them, in order of time. */
function chronicle(summary: RunSummary): string[] {
  const operations = summary.principal.map((each): [number, string] => [
    each.startNs,
    operationLine(each),
  ]);
  const happenings = summary.happenings.flatMap(({ kind, atNs, data }): [number, string][] => {
    const text = happeningText(kind, data);
    return text === undefined ? [] : [[atNs, `${at(atNs)} ${text}`]];
  });
  return [...operations, ...happenings].sort(([a], [b]) => a - b).map(([, text]) => text);
}

function happeningText(kind: string, data: PlainObject): string | undefined {
  switch (kind) {
    case "fault":
      return pc.yellow(`fault ${String(data["fault"])}`);
    case "crash":
      return pc.yellow(`${String(data["domain"])} is down`);
    case "restart":
      return `${String(data["domain"])} is up again`;
    case "lost-writes":
      return `lost ${data["writes"]} unflushed writes (${data["sectors"]} sectors) of ${data["device"]}`;
    case "integrity-alert":
      return pc.yellow(`${String(data["vm"])} alert ${data["number"]}: ${String(data["message"])}`);
    case "integrity-refused":
      return `${String(data["vm"])} refused: ${String(data["message"])}`;
    case "lifecycle":
      if (data["event"] !== "verified") return undefined;
      return `${String(data["vm"])} found everything it had been promised`;
    default:
      return undefined;
  }
}

/** Milliseconds with three digits: what a reader compares. */
const at = (ns: number): string => `${(ns / 1e6).toFixed(3)} ms`.padStart(13);

function operationLine(operation: OperationSummary): string {
  const { id, startNs, endNs, outcome, host } = operation;
  const took = endNs === null ? "" : ` in ${((endNs - startNs) / 1e6).toFixed(3)} ms`;
  const word = outcome === "complete" ? pc.green(outcome) : pc.yellow(outcome);
  return `${at(startNs)} ${kindAndVm(operation)} ${id} on ${host}: ${word}${took}`;
}

function violationLine(violation: Violation, isExpected: boolean): string {
  const { invariant, entities, event, atNs, message } = violation;
  const word = isExpected ? pc.dim("expected") : pc.red("VIOLATION");
  const where = `event ${event}, ${formatTime(atNs)}, ${entities.join(", ")}`;
  return `  ${word} ${invariant}: ${message} (${where})`;
}
