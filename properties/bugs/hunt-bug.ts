/** Hunts for one bug: explores with each seed, then runs the suites; does what is not known yet. */
import { type Bug, scenariosOf, suitesOf } from "./bug.ts";
import { plant } from "./loading/planting.ts";
import type { Results } from "./results.ts";
import { BugExplorer, type ExploreLimits } from "./searching/explore-bug.ts";
import { runSuites, type SuiteOutcome } from "./searching/run-suites.ts";

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
      const without =
        outcome.failed === 0 ? undefined : await soundOutcome(outcome, results, onStep);
      if (without !== undefined && isTooSlow(without)) {
        return onStep(`${bug.name}: not judged, ${outcome.suite} is too slow without it, too`);
      }
      const isCommon = without !== undefined && (without.failed > 0 || without.isBroken);
      const fails = { failed: 0, isBroken: true, first: "fails without the bug, too" };
      const judged = isCommon ? { ...outcome, ...fails } : outcome;
      results.add({ kind: "suite", of: results.key(bug), outcome: judged });
    }
  }
}

/**
 * On a machine that does much else even sound sources may not be done in time: that says nothing.
 * The second is what vitest reports as the message of a test that was out of time.
 */
const isTooSlow = ({ failed, first }: SuiteOutcome): boolean =>
  failed > 0 && /timed out|STACK_TRACE_ERROR/.test(first ?? "");

/** What the suite says of sound sources: known, or found out now. */
async function soundOutcome(
  { suite }: SuiteOutcome,
  results: Results,
  onStep: HuntOptions["onStep"],
): Promise<SuiteOutcome> {
  const known = results.suites().find((each) => each.suite === suite && !isTooSlow(each));
  if (known !== undefined) return known;
  onStep(`${suite} without any bug`);
  const [sound] = await runSuites([suite]);
  results.add({ kind: "suite", of: results.key(), outcome: sound! });
  return sound!;
}
