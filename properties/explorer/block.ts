/**
 * A block of runs: the unit of work of a search. Each run is a variant of the scenario, chosen by
 * the seed of the search, the number of the run and what the runs before it in the block led to.
 * So a block gives the same wherever it is done, and can be done again when a worker is lost.
 */
import {
  type ReadyScenario,
  type ResolvedScenario,
  validateDocument,
} from "../../scenarios/index.ts";
import { chance, oneOf, seededChooser } from "../arbitraries/chooser.ts";
import type { Ground } from "../arbitraries/entries.ts";
import { type Vocabulary, vocabularyOf } from "../arbitraries/references.ts";
import {
  drawFeatures,
  drawNeighbour,
  drawVariant,
  type FeatureChoice,
} from "../arbitraries/variants.ts";
import { pilotGround, widened } from "./pilot.ts";
import { runDocument, type RunRecord } from "./run-document.ts";
import {
  AUDIT_EVERY,
  type AuditTask,
  type BlockResult,
  mergeTallies,
  NOTHING,
  type Strategy,
  type Tally,
} from "./search.ts";

/** What a worker keeps from block to block: only what every worker finds alike. */
export interface Searcher {
  readonly scenario: ReadyScenario;
  readonly base: ResolvedScenario;
  readonly vocabulary: Vocabulary;
  readonly ground: Ground;
}

export interface BlockOptions {
  readonly seed: number;
  readonly strategy: Strategy;
  readonly blockRuns: number;
  readonly auditAll: boolean;
  readonly block: number;
  /** Runs of this block: all, or what is left of the search. */
  readonly runs: number;
  /** Different findings with which the block ends; none are enough unless told. */
  readonly findings?: number;
  /** Runs that took a worker down, to be passed over. */
  readonly skip: readonly number[];
  readonly beforeRun?: (run: number, document: ResolvedScenario) => void;
  readonly afterRun?: (run: number, document: ResolvedScenario, record: RunRecord) => Promise<void>;
  /** Looked at after every run: end the block where it is. */
  readonly isStopped?: () => boolean;
}

/** Expectations are of the scenario as it is; variants are held against invariants alone. */
export function createSearcher(scenario: ReadyScenario): Searcher {
  const base = { ...scenario.document, expect: [] };
  const vocabulary = vocabularyOf(scenario.own.mechanisms);
  return { scenario, base, vocabulary, ground: pilotGround(scenario, base) };
}

/** Of a hundred variants so many are near one that led somewhere new. */
const NEAR_PERCENT = 50;
const MOST_TRIES = 20;

const FEATURES: { readonly [strategy: string]: FeatureChoice } = {
  uniform: "all",
  swarm: "swarm",
  pct: "delays",
};

export async function runBlock(searcher: Searcher, options: BlockOptions): Promise<BlockResult> {
  const { block, blockRuns, runs, skip, auditAll, findings = Infinity } = options;
  const { beforeRun, afterRun, isStopped } = options;
  const led: ResolvedScenario[] = [];
  const known = new Set<string>();
  let { ground } = searcher;
  let tally: Tally = NOTHING;
  const audits: AuditTask[] = [];
  for (let i = 0; i < runs; i++) {
    const run = block * blockRuns + i;
    if (skip.includes(run)) continue;
    const document = variantOf(searcher, options, ground, led, run);
    beforeRun?.(run, document);
    await turn();
    const record = runDocument(searcher.scenario, document);
    ground = widened(ground, record.coverage.phases);
    if (isNew(record, known)) led.push(document);
    tally = mergeTallies(tally, tallyOf(run, document, record));
    const isAudited = auditAll || run % AUDIT_EVERY === AUDIT_EVERY - 1;
    if (isAudited) audits.push({ run, document, root: record.root });
    await afterRun?.(run, document, record);
    if (tally.findings.length >= findings || isStopped?.()) break;
  }
  return { block, tally, audits };
}

/** Lets the event loop have a turn: messages are sent, and a request to stop is seen. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The document of one run. */
function variantOf(
  { base, vocabulary, scenario }: Searcher,
  { seed, strategy }: BlockOptions,
  ground: Ground,
  led: readonly ResolvedScenario[],
  run: number,
): ResolvedScenario {
  const chooser = seededChooser(seed, run);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const features = drawFeatures(chooser, vocabulary, base, FEATURES[strategy]!);
    const isGuided = strategy !== "uniform" && led.length > 0 && chance(chooser, NEAR_PERCENT);
    const document = isGuided
      ? drawNeighbour(chooser, oneOf(chooser, led), features, ground, vocabulary)
      : drawVariant(chooser, base, features, ground, vocabulary);
    const extensions = scenario.own.mechanisms;
    const checked = validateDocument(document, { file: `run ${run}`, extensions });
    if (checked.ok) return checked.document;
  }
  return { ...base, seed: chooser.below(2 ** 31) };
}

/** Whether the run filled a cell or reached a state that none of the block did before. */
function isNew({ cells, reached }: RunRecord, known: Set<string>): boolean {
  const before = known.size;
  for (const each of [...cells, ...reached]) known.add(each);
  return known.size > before;
}

const ones = (names: readonly string[], count: number): { [name: string]: number } =>
  Object.fromEntries(names.map((name) => [name, count]));

/** What breaks after the first violation of a run is mostly its consequence: it is not counted. */
function tallyOf(run: number, document: ResolvedScenario, record: RunRecord): Tally {
  const { events, simulatedNs, cells, reached, unreached, root } = record;
  const [violation] = record.violations;
  return {
    runs: 1,
    events,
    simulatedNs,
    reached: { ...ones(unreached, 0), ...ones(reached, 1) },
    cells: ones(cells, 1),
    findings: violation === undefined ? [] : [{ violation, run, runs: 1, root, events, document }],
  };
}
