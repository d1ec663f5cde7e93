/** Hunts for one bug: explores with each seed, then runs the suites; does what is not known yet. */
import { type Bug, scenariosOf, suitesOf } from "./bug.ts";
import { plant } from "./loading/planting.ts";
import type { Results } from "./results.ts";
import { BugExplorer, type ExploreLimits } from "./searching/explore-bug.ts";
import { runSuites } from "./searching/run-suites.ts";

export interface HuntOptions {
  readonly explores: boolean;
  /** `missed`: only when exploring did not find the bug with most seeds. */
  readonly suites: "all" | "missed" | "none";
  readonly seeds: number;
  /** After so many without a find the others are left out: they would hardly be most. */
  readonly seedsInVain: number;
  readonly limits: ExploreLimits;
  readonly cache: string;
  readonly onStep: (text: string) => void;
}

export async function huntBug(bug: Bug, results: Results, options: HuntOptions): Promise<void> {
  const environment = await plant(bug, options.cache);
  if (options.explores) await exploreSeeds(bug, results, options, environment);
  if (options.suites === "none") return;
  const found = results.explored(bug).filter(({ invariant }) => invariant !== null).length;
  if (options.suites === "missed" && found * 2 > options.seeds) return;
  await judge(bug, results, options, environment);
}

async function exploreSeeds(
  bug: Bug,
  results: Results,
  { seeds, seedsInVain, limits, onStep }: HuntOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const scenarios = scenariosOf(bug);
  if (scenarios.length === 0) return;
  let explorer: BugExplorer | undefined;
  try {
    for (let seed = 1; seed <= seeds; seed++) {
      const known = results.explored(bug);
      if (known.some((each) => each.seed === seed)) continue;
      const isInVain = known.every(({ invariant }) => invariant === null);
      if (known.length >= seedsInVain && isInVain) return;
      onStep(`${bug.name}: exploring, seed ${seed}`);
      explorer ??= new BugExplorer(environment);
      const shrinks = !known.some(({ reproducer }) => reproducer !== null);
      const explored = await explorer.explore({ scenarios, seed, limits, shrinks });
      results.add({ kind: "explored", of: results.key(bug), explored });
      if (explored.trouble === null) continue;
      explorer.close();
      explorer = undefined;
    }
  } finally {
    explorer?.close();
  }
}

async function judge(
  bug: Bug,
  results: Results,
  { onStep }: HuntOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  for (;;) {
    const known = results.suites(bug);
    const left = suitesOf(bug).filter((suite) => known.every((each) => each.suite !== suite));
    if (left.length === 0 || known.some(({ failed }) => failed > 0)) return;
    onStep(`${bug.name}: ${left.join(" ")}`);
    for (const outcome of await runSuites(left, environment)) {
      const isCommon = outcome.failed > 0 && (await failsAnyway(outcome.suite, results, onStep));
      const fails = { failed: 0, isBroken: true, first: "fails without the bug, too" };
      const judged = isCommon ? { ...outcome, ...fails } : outcome;
      results.add({ kind: "suite", of: results.key(bug), outcome: judged });
    }
  }
}

async function failsAnyway(
  suite: string,
  results: Results,
  onStep: HuntOptions["onStep"],
): Promise<boolean> {
  let sound = results.suites().find((each) => each.suite === suite);
  if (sound === undefined) {
    onStep(`${suite} without any bug`);
    sound = (await runSuites([suite]))[0]!;
    results.add({ kind: "suite", of: results.key(), outcome: sound });
  }
  return sound.failed > 0 || sound.isBroken;
}
