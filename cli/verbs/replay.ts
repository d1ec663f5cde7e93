/** `orrery replay`: re-executes a recorded run, or one guest of it alone, and verifies it. */
import type { Violation } from "../../core/kernel/index.ts";
import type { NewDraw, ReplayResult } from "../../traces/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { formatTime, parseTime } from "../time.ts";
import { type Verb, verb } from "../verb.ts";
import { replayLone } from "./replay-lone.ts";
import { type InputFolders, inputsOption, type OpenRun, traceStatus, withRun } from "./with-run.ts";

interface ReplayFlags extends InputFolders {
  readonly vm?: string;
  /** Nanoseconds. */
  readonly until?: number;
}

export const replay: Verb = verb<readonly [string], ReplayFlags>({
  name: "replay",
  describe: "re-execute a trace from its log and verify every epoch root",
  arguments: [{ syntax: "<trace>", describe: "a .orrery trace" }],
  options: [
    { flags: "--vm <id>", describe: "build this guest alone, from its boundary log" },
    { flags: "--until <time>", describe: "stop at this simulated time", parse: parseTime },
    inputsOption,
  ],
  examples: [
    { command: "orrery replay tour-7.orrery", describe: "Verify a recorded run." },
    {
      command: "orrery replay tour-7.orrery --vm db",
      describe: "One guest alone: no host, no link, no array.",
    },
    { command: "orrery replay tour-7.orrery --until 3s --json", describe: "The first part." },
  ],
  output: {
    type: "object",
    required: ["verified", "epochsVerified", "status"],
    properties: {
      scenario: { type: "string" },
      seed: { type: "integer" },
      vm: { type: "string", description: "With --vm: the guest." },
      verified: { type: "boolean", description: "Everything compared was equal." },
      epochsVerified: { type: "integer" },
      epochs: { type: "integer", description: "Epochs that the trace has." },
      draws: {
        type: "object",
        description: "How many values came from the log, from the seed, and from neither.",
        properties: {
          total: { type: "integer" },
          fromLog: { type: "integer" },
          fromSeed: { type: "integer" },
          new: { type: "integer" },
        },
      },
      newDraws: { type: "array", items: { type: "object" } },
      events: { type: "integer" },
      simulatedNs: { type: "integer" },
      root: { type: "string" },
      recordedRoot: { type: ["string", "null"] },
      outputs: { type: "object", description: "With --vm: hash, bytes and number of outputs." },
      steps: { type: "integer", description: "With --vm: inputs delivered." },
      violations: { type: "array", items: { type: "object" }, description: "As recorded." },
      divergence: { type: ["object", "null"], description: "Event, message and fields." },
      status: { type: "string", enum: ["whole", "salvaged"] },
      damage: { type: "object" },
    },
  },
  run: (context, [file], options) =>
    withRun(context, file, options, (opened) =>
      options.vm === undefined
        ? replayWorld(context, opened, options.until)
        : replayLone(context, opened, options.vm, options.until),
    ),
});

async function replayWorld(
  context: Context,
  opened: OpenRun,
  untilNs: number | undefined,
): Promise<ExitCode> {
  const { replayAsync } = await import("../../traces/index.ts");
  const { run, builder, sameCode, document } = opened;
  const startedMs = performance.now();
  const result = await replayAsync(run, builder, {
    sameCode,
    ...(untilNs !== undefined && { untilNs }),
    signal: context.signal,
    onProgress: ({ timeNs, eventCount }) => {
      if (!context.progress.shown) return;
      const seconds = (performance.now() - startedMs) / 1_000;
      const rate = Math.round(eventCount / Math.max(seconds, 0.001)).toLocaleString("en");
      const percent = Math.floor((eventCount / Math.max(run.lastEvent, 1)) * 100);
      context.progress.update(`${percent} %  ${formatTime(timeNs)} simulated  ${rate} events/s`);
    },
  });
  const violations = recordedViolations(opened, result.world.eventCount);
  print(context, opened, result, violations);
  const { draws, fromLog, fromSeed, fresh } = result.draws;
  context.result({
    scenario: document.name,
    seed: document.seed,
    verified: result.verified,
    epochsVerified: result.epochsVerified,
    epochs: run.epochs.length,
    draws: { total: draws, fromLog, fromSeed, new: fresh },
    newDraws: result.newDraws,
    events: result.world.eventCount,
    simulatedNs: result.world.timeNs,
    root: result.root,
    recordedRoot: result.recordedRoot ?? null,
    violations,
    divergence: result.divergence ?? null,
    ...traceStatus(opened),
  });
  if (result.interrupted) return EXIT.interrupted;
  return result.divergence === undefined ? EXIT.fine : EXIT.divergence;
}

/** Violations that the trace holds, up to where the replay went. */
function recordedViolations({ run }: OpenRun, lastEvent: number): Violation[] {
  const found: Violation[] = [];
  for (const [event, , , kind, data] of run.notices()) {
    if (kind === "violation" && event <= lastEvent) found.push(data as unknown as Violation);
  }
  return found;
}

function print(
  context: Context,
  { run, document }: OpenRun,
  result: ReplayResult,
  violations: readonly Violation[],
): void {
  const { world, divergence, interrupted } = result;
  const word = divergence ? "DIVERGED" : interrupted ? "interrupted" : "verified";
  context.print(`${word}  ${document.name}  seed ${document.seed}  root ${result.root}`);
  const { fromLog, fromSeed, fresh } = result.draws;
  const count = (value: number): string => value.toLocaleString("en");
  context.print(
    `${result.epochsVerified} of ${run.epochs.length} epochs verified, ` +
      `${count(world.eventCount)} events, ${formatTime(world.timeNs)} simulated`,
  );
  context.print(
    `values: ${count(fromLog)} from the log, ${count(fromSeed)} from the seed, ${count(fresh)} new`,
  );
  for (const line of result.newDraws.map(newDrawLine)) context.print(line);
  for (const { invariant, message, event, atNs, entities } of violations) {
    const where = `event ${event}, ${formatTime(atNs)}, ${entities.join(", ")}`;
    context.print(`recorded violation: ${invariant}: ${message} (${where})`);
  }
  if (divergence === undefined) return;
  context.print(
    `divergence at event ${divergence.event}, ${formatTime(divergence.timeNs)}: ${divergence.message}`,
  );
  for (const { path, a, b } of divergence.differences) {
    context.print(`  ${path}: recorded ${JSON.stringify(a)}, now ${JSON.stringify(b)}`);
  }
}

const newDrawLine = ({ entity, purpose, position, event }: NewDraw): string =>
  `  new: ${entity} ${purpose} ${position} at event ${event}`;
