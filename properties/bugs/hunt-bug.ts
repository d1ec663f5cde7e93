/** Hunts for one bug: explores with each seed, then runs the suites; does what is not known yet. */
import { type Bug, scenariosOf, suitesOf } from "./bug.ts";
import { plant } from "./loading/planting.ts";
import type { Results } from "./results.ts";
import { BugExplorer, type ExploreLimits } from "./searching/explore-bug.ts";
import { runSuite, type SuiteOutcome } from "./searching/run-suites.ts";

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
  for (const suite of suitesOf(bug)) {
    const outcome = await suiteOutcome(bug, suite, results, options, environment);
    if (outcome.failed > 0) return;
  }
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

async function suiteOutcome(
  bug: Bug,
  suite: string,
  results: Results,
  { onStep }: HuntOptions,
  environment: NodeJS.ProcessEnv,
): Promise<SuiteOutcome> {
  const known = results.suites(bug).find((each) => each.suite === suite);
  if (known !== undefined) return known;
  onStep(`${bug.name}: ${suite}`);
  const outcome = await runSuite(suite, environment);
  if (outcome.failed > 0 && (await failsAnyway(suite, results, onStep))) {
    const fails = { ...outcome, failed: 0, isBroken: true, first: "fails without the bug, too" };
    results.add({ kind: "suite", of: results.key(bug), outcome: fails });
    return fails;
  }
  results.add({ kind: "suite", of: results.key(bug), outcome });
  return outcome;
}

async function failsAnyway(
  suite: string,
  results: Results,
  onStep: HuntOptions["onStep"],
): Promise<boolean> {
  let sound = results.suites().find((each) => each.suite === suite);
  if (sound === undefined) {
    onStep(`${suite} without any bug`);
    sound = await runSuite(suite);
    results.add({ kind: "suite", of: results.key(), outcome: sound });
  }
  return sound.failed > 0 || sound.isBroken;
}
