/** What `orrery explore` leaves: findings, shrunk and saved, and what was covered, printed. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import pc from "picocolors";
import {
  saveFinding,
  type SavedFinding,
  type SearchResult,
  unsaved,
} from "../../properties/index.ts";
import type { ReadyScenario } from "../../scenarios/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode, worstExit } from "../exit-codes.ts";
import type { ExploreFlags } from "./explore.ts";

const DEFAULT_SHRINK_RUNS = 2_000;
/** Findings beyond these are counted and told of, not shrunk. */
const MOST_SAVED = 25;

/** `more` are members of the JSON output that only this kind of search has. */
export async function saveAndReport(
  context: Context,
  scenario: ReadyScenario,
  result: SearchResult,
  speed: Speed,
  flags: ExploreFlags,
  more: object = {},
): Promise<ExitCode> {
  const folder = flags.out ?? `explore-${scenario.document.name}-${result.seed}`;
  const saved = await save(context, scenario, result, folder, flags);
  if (typeof saved !== "string") {
    return report(context, result, { ...saved, ...speed }, flags, more);
  }
  // What was found is told all the same.
  const told = { saved: result.tally.findings.map(unsaved), path: null };
  const exit = report(context, result, { ...told, ...speed }, flags, more);
  return worstExit([exit, context.missing(`${folder} cannot be written: ${saved}`)]);
}

/** Before a search that may take hours: why its folder could not be written after it. */
export function whyUnwritable(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return `${folder} cannot be written: ${(error as Error).message}`;
  }
}

export async function writeResult(folder: string, result: SearchResult): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "search.json");
  await writeFile(path, `${JSON.stringify(result)}\n`);
  return path;
}

const mismatchFile = (folder: string, index: number): string =>
  join(folder, `mismatch-${index + 1}.json`);

interface Saved {
  readonly saved: readonly SavedFinding[];
  readonly path: string | null;
}

/** The folder is made only when something goes into it. A string: why it cannot be written. */
async function save(
  context: Context,
  scenario: ReadyScenario,
  result: SearchResult,
  folder: string,
  { out, shrinkRuns = DEFAULT_SHRINK_RUNS }: ExploreFlags,
): Promise<Saved | string> {
  const { findings } = result.tally;
  const isClean = findings.length === 0 && result.mismatches.length === 0;
  if (out === undefined && isClean) return { saved: [], path: null };
  try {
    const path = await writeResult(folder, result);
    for (const [index, { document }] of result.mismatches.entries()) {
      await writeFile(mismatchFile(folder, index), `${JSON.stringify(document, null, 2)}\n`);
    }
    const saved: SavedFinding[] = [];
    for (const [index, finding] of findings.entries()) {
      if (index >= MOST_SAVED) {
        saved.push(unsaved(finding));
        continue;
      }
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
    return { saved, path };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return (error as Error).message;
  }
}

interface Speed {
  readonly wallMs: number;
  readonly lostWorkers: number;
  readonly workers: number;
}

type About = Saved & Speed;

export function report(
  context: Context,
  result: SearchResult,
  { saved, path, wallMs, lostWorkers, workers }: About,
  { strict }: ExploreFlags,
  more: object = {},
): ExitCode {
  const { tally, mismatches, audited, scenario, seed, strategy } = result;
  const { runs, forks, events, simulatedNs, reached, cells, outcomes } = tally;
  const seconds = wallMs / 1_000;
  const unreached = Object.keys(reached).filter((state) => reached[state] === 0);
  const runsPerSecond = seconds === 0 ? 0 : runs / seconds;
  const simulatedPerReal = seconds === 0 ? 0 : simulatedNs / 1e9 / seconds;
  const speed = { wallMs, runsPerSecond, simulatedPerReal, workers, lostWorkers };
  const incomplete = neverComplete(outcomes);
  const covered = {
    reached,
    unreached,
    cells,
    outcomes,
    incomplete: [...incomplete.keys()],
    findings: saved,
    result: path,
  };
  const figures = {
    scenario,
    seed,
    strategy,
    runs,
    forks,
    events,
    simulatedNs,
    audited,
    mismatches,
  };
  context.result({ ...figures, ...speed, ...more, ...covered });
  for (const [index, { run, conditions, expected, found }] of mismatches.entries()) {
    const what = `run ${run} has root ${found}, not ${expected}: ${conditions}`;
    context.print(pc.red(`NOT DETERMINISTIC ${what}`));
    if (path !== null) context.print(`  document: ${mismatchFile(dirname(path), index)}`);
  }
  context.print(`${pc.bold(scenario)}  search ${seed}, ${strategy}`);
  context.print(
    `${runs.toLocaleString("en")} runs of ${Math.round(events / Math.max(1, runs))} events` +
      (seconds === 0
        ? ""
        : ` (${forks.toLocaleString("en")} forked) in ${seconds.toFixed(1)} s: ${runsPerSecond.toFixed(0)} runs/s, ` +
          `${simulatedPerReal.toFixed(0)} times as fast as real`) +
      `; ${audited} repeated elsewhere`,
  );
  if (lostWorkers > 0) {
    context.print(`${counted(lostWorkers, "worker")} lost; their runs were made again`);
  }
  const states = Object.keys(reached).length;
  context.print(
    `${Object.keys(cells).length} cells (phase, fault, other phase); ` +
      `${states - unreached.length} of ${states} states reached`,
  );
  for (const name of unreached) context.print(pc.dim(`  not reached: ${name}`));
  for (const [kind, why] of incomplete) {
    context.print(pc.dim(`  never complete: ${kind} (${why})`));
  }
  for (const each of saved) printFinding(context, each);
  if (saved.length === 0) context.print(pc.green("no violations"));
  if (path !== null) context.print(`result ${path}`);
  return worstExit([
    mismatches.length > 0 ? EXIT.divergence : EXIT.fine,
    saved.length > 0 || (strict === true && unreached.length > 0) ? EXIT.violation : EXIT.fine,
  ]);
}

/** Of each so many outcomes are told of. */
const TOLD_OUTCOMES = 3;

/** Kinds of operation that a search did not get through, with what they ended as instead. */
function neverComplete(outcomes: SearchResult["tally"]["outcomes"]): ReadonlyMap<string, string> {
  const kinds = new Map<string, [string, number][]>();
  for (const [name, runs] of Object.entries(outcomes)) {
    const [kind, outcome] = name.split(" ") as [string, string];
    kinds.set(kind, [...(kinds.get(kind) ?? []), [outcome, runs]]);
  }
  const never = [...kinds].filter(([, ended]) => ended.every(([name]) => name !== "complete"));
  return new Map(
    never.map(([kind, ended]) => {
      const most = ended.sort(([, a], [, b]) => b - a).slice(0, TOLD_OUTCOMES);
      return [kind, most.map(([name, runs]) => `${name} ${runs.toLocaleString("en")}`).join(", ")];
    }),
  );
}

const counted = (count: number, what: string): string =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

const TO_GO_ON = "perhaps not all needed (orrery shrink goes on)";

function printFinding(context: Context, finding: SavedFinding): void {
  const { invariant, mechanism, phase, message, run, runs, reproduce } = finding;
  const { operations, faults, isMinimal, isReplayed, shrinkRuns } = finding;
  context.print(`  ${pc.red("VIOLATION")} ${invariant} (${mechanism}, ${phase || "no operation"})`);
  context.print(`    ${message}; first in run ${run}, ${counted(runs, "run")} broke it`);
  if (reproduce === "") return;
  const proofs = [
    shrinkRuns === 0 ? "as it was found" : isMinimal ? "all of it needed" : TO_GO_ON,
    ...(isReplayed ? ["replayed"] : []),
  ];
  const much = `${counted(operations[1], "operation")} and ${counted(faults[1], "fault")}`;
  context.print(`    ${shrinkRuns === 0 ? "" : "shrunk to "}${much}, ${proofs.join(", ")}`);
  context.print(`    reproduce: ${reproduce}`);
}
