/** `orrery crashes`: a crash at every durable step, and again within the recovery. */
import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import pc from "picocolors";
import type { Enumerated, SavedFinding } from "../../properties/index.ts";
import type { ReadyScenario } from "../../scenarios/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseCount, parseSome, type Verb, verb } from "../verb.ts";
import { findingSchema } from "./explore-output.ts";

interface CrashFlags {
  readonly depth?: number;
  readonly most?: number;
  readonly losses?: number;
  readonly workers?: number;
  readonly seed?: number;
  readonly set?: readonly string[];
  readonly shrinkRuns?: number;
  readonly out?: string;
}

const DEFAULTS = { depth: 1, most: 2_000, losses: 16, shrinkRuns: 2_000 } as const;
const MOST_SAVED = 25;

export const crashes: Verb = verb<readonly [string], CrashFlags>({
  name: "crashes",
  describe: "crash at every durable step of every operation, and in recovery; check everything",
  arguments: [{ syntax: "<scenario>", describe: "a .ts, .mts, .js, .mjs or .json scenario" }],
  options: [
    {
      flags: "--depth <n>",
      describe: "1 = operations, 2 = and what recovers from that, and so on (default: 1)",
      parse: parseSome,
    },
    {
      flags: "--most <n>",
      describe: `crashes of each depth at most, taken evenly (default: ${DEFAULTS.most})`,
      parse: parseSome,
    },
    {
      flags: "--losses <n>",
      describe: `outcomes of one crash tried at most (default: ${DEFAULTS.losses})`,
      parse: parseSome,
    },
    { flags: "--workers <n>", describe: "processes (default: one a core)", parse: parseSome },
    { flags: "--seed <n>", describe: "seed of every draw", parse: parseCount },
    {
      flags: "--set <path=value>",
      describe: "change one member of the document; may be repeated",
      repeatable: true,
    },
    {
      flags: "--shrink-runs <n>",
      describe: `runs spent on making a finding small (default: ${DEFAULTS.shrinkRuns})`,
      parse: parseCount,
    },
    { flags: "-o, --out <dir>", describe: "folder for findings (default: crashes-NAME-SEED)" },
  ],
  examples: [
    {
      command: "orrery crashes scenarios/storage-storm.ts",
      describe: "Host or array lost at every durable step; says how many were tried and merged.",
    },
    {
      command: "orrery crashes mine.ts --depth 2 --most 500 --workers 2 --json",
      describe: "And once more while it recovers, 500 crashes of each depth.",
    },
  ],
  output: {
    type: "object",
    properties: {
      scenario: { type: "string" },
      seed: { type: "integer" },
      depths: {
        type: "array",
        description:
          "{depth, enumerated, leftOut, tried, merged, exhaustive, sampled, states}: crashes there " +
          "are, those left out, outcomes tried, those that left an equal state, crashes of which " +
          "all outcomes were tried and of which some were, states that recovery began from.",
        items: { type: "object" },
      },
      runs: { type: "integer" },
      workers: {
        type: "integer",
        description: "Processes; the result is the same with any number.",
      },
      lostWorkers: { type: "integer", description: "Lost ones; what they did was done again." },
      wallMs: { type: "integer", description: "Real time that it took." },
      events: { type: "integer" },
      isWhole: { type: "boolean", description: "False when it was interrupted." },
      findings: { type: "array", items: findingSchema },
    },
  },
  async run(context, [file], flags) {
    const { prepareScenario } = await import("../../scenarios/index.ts");
    const { seed, set = [] } = flags;
    const prepared = await prepareScenario(file, {
      settings: set,
      ...(seed !== undefined && { seed }),
    });
    if (!prepared.ok) return context.badInput(prepared.problems);
    return crash(context, file, prepared.scenario, flags);
  },
});

async function crash(
  context: Context,
  file: string,
  scenario: ReadyScenario,
  flags: CrashFlags,
): Promise<ExitCode> {
  const { CrashWorkers, enumerateCrashes } = await import("../../properties/index.ts");
  const { depth, most, losses } = { ...DEFAULTS, ...flags };
  const startedMs = performance.now();
  const workers = flags.workers ?? availableParallelism();
  const executor = new CrashWorkers(file, flags.set ?? [], workers);
  const enumerated = await enumerateCrashes(scenario, {
    depth,
    most,
    mostLosses: losses,
    executor,
    isStopped: () => context.signal.aborted,
    onProgress: (at) => context.progress.update(lineOf(at, performance.now() - startedMs)),
  });
  executor.close();
  if (executor.refused !== undefined) return context.missing(executor.refused);
  const wallMs = Math.round(performance.now() - startedMs);
  const speed = { workers, lostWorkers: executor.losses, wallMs };
  const { name, seed } = scenario.document;
  const folder = flags.out ?? `crashes-${name}-${seed}`;
  try {
    const saved = await save(context, scenario, enumerated, folder, flags);
    report(context, scenario, enumerated, saved, speed);
    return saved.length > 0 ? EXIT.violation : EXIT.fine;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return context.missing(`${folder} cannot be written: ${(error as Error).message}`);
  }
}

/** How far a depth is; its own crashes are known when it begins. */
function lineOf({ depth, done }: { depth: number; done: number }, passedMs: number): string {
  const seconds = Math.round(passedMs / 1_000);
  return `depth ${depth}: ${Math.floor(done * 100)} % of crashes, ${seconds} s`;
}

interface Speed {
  readonly workers: number;
  readonly lostWorkers: number;
  readonly wallMs: number;
}

async function save(
  context: Context,
  scenario: ReadyScenario,
  { findings }: Enumerated,
  folder: string,
  { shrinkRuns = DEFAULTS.shrinkRuns }: CrashFlags,
): Promise<readonly SavedFinding[]> {
  const { saveFinding } = await import("../../properties/index.ts");
  const saved: SavedFinding[] = [];
  if (findings.length > 0) await mkdir(join(folder), { recursive: true });
  for (const [index, finding] of findings.slice(0, MOST_SAVED).entries()) {
    const name = `finding-${index + 1}`;
    saved.push(
      await saveFinding(scenario, finding, {
        folder,
        name,
        mostRuns: shrinkRuns,
        isStopped: () => context.signal.aborted,
        onProgress: (runs, size) =>
          context.progress.update(`${name}: ${runs} runs, ${size} bytes of document`),
      }),
    );
  }
  return saved;
}

function report(
  context: Context,
  { document: { name: scenario, seed } }: ReadyScenario,
  { depths, runs, events, isWhole }: Enumerated,
  findings: readonly SavedFinding[],
  speed: Speed,
): void {
  context.result({ scenario, seed, depths, runs, events, isWhole, ...speed, findings });
  const { workers, lostWorkers, wallMs } = speed;
  const seconds = (wallMs / 1_000).toFixed(1);
  context.print(
    `${pc.bold(scenario)}  seed ${seed}: ${runs} runs in ${seconds} s on ${workers} workers`,
  );
  if (lostWorkers > 0) context.print(`${lostWorkers} workers lost; their runs were made again`);
  for (const each of depths) {
    const { depth, enumerated, leftOut, tried, merged, exhaustive, sampled, states } = each;
    const points = leftOut > 0 ? `${enumerated - leftOut} of ${enumerated}` : `all ${enumerated}`;
    context.print(
      `  depth ${depth}: ${points} crashes tried, with ${tried} outcomes; ${merged} merged`,
    );
    context.print(
      `    unflushed writes: all outcomes of ${exhaustive} crashes, some of ${sampled}; ` +
        `recovery from ${states} different states`,
    );
  }
  for (const each of findings) {
    context.print(`  ${pc.red("VIOLATION")} ${each.invariant} (${each.mechanism})`);
    context.print(`    ${each.message}; in ${each.runs} runs`);
    context.print(`    reproduce: ${each.reproduce}`);
  }
  if (!isWhole) context.print(pc.yellow("interrupted"));
  else if (findings.length === 0) {
    const isAll = depths.every(({ leftOut, sampled }) => leftOut === 0 && sampled === 0);
    context.print(pc.green(isAll ? "no violations" : "no violations in what was tried"));
  }
}
