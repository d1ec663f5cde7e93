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
import { chance, type Chooser, oneOf, seededChooser, skewed } from "../arbitraries/chooser.ts";
import { drawDocument, likelyGround } from "../arbitraries/documents.ts";
import type { Ground } from "../arbitraries/entries.ts";
import { type Vocabulary, vocabularyOf, withoutDangling } from "../arbitraries/references.ts";
import {
  drawFeatures,
  drawNeighbour,
  drawVariant,
  type FeatureChoice,
} from "../arbitraries/variants.ts";
import { drawFork, type ForkPoint, forkPoint, runFork } from "./fork.ts";
import { pilotGround, widened } from "./pilot.ts";
import { type Alive, type KeptMoment, runDocument, type RunRecord } from "./run-document.ts";
import { AUDIT_EVERY, type AuditTask, type BlockResult, type Strategy } from "./search.ts";
import { TallySum } from "./tally-sum.ts";
import { tallyOf } from "./tally.ts";

/** What a worker keeps from block to block: only what every worker finds alike. */
export interface Searcher {
  readonly scenario: ReadyScenario;
  readonly base: ResolvedScenario;
  readonly vocabulary: Vocabulary;
  readonly ground: Ground;
  /** Each run is of a datacenter of its own. */
  readonly generates: boolean;
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
  readonly beforeDraw?: (run: number) => void;
  readonly beforeRun?: (run: number, document: ResolvedScenario) => void;
  readonly afterRun?: (run: number, document: ResolvedScenario, record: RunRecord) => Promise<void>;
  /** Told that a run goes on. */
  readonly alive?: Alive;
  /** Looked at after every run: end the block where it is. */
  readonly isStopped?: () => boolean;
}

/** Expectations are of the scenario as it is; variants are held against invariants alone. */
export function createSearcher(scenario: ReadyScenario, generates = false): Searcher {
  const { search, ...document } = scenario.document;
  const base = { ...document, expect: [] };
  const vocabulary = vocabularyOf(scenario.own.mechanisms, search);
  return { scenario, base, vocabulary, ground: pilotGround(scenario, base), generates };
}

/** Of a hundred variants so many are near one that led somewhere new. */
const NEAR_PERCENT = 50;
const MOST_TRIES = 20;

const FEATURES: { readonly [strategy: string]: FeatureChoice } = {
  uniform: "all",
  swarm: "swarm",
  pct: "delays",
};

/** A run that is to be made: from the beginning, or from a moment that was kept. */
interface Planned {
  readonly document: ResolvedScenario;
  readonly from?: ForkPoint;
}

/** Of the runs of a block, while there is a rare state to fork before. */
const FORK_PERCENT = 70;
/** Forks from one moment. */
const FORKS = 6;
/**
 * Every so many events a run is kept as it is. A copy costs more than the way from the one before to
 * a fork: most runs are never forked. With 96 a search of the storage storm takes a third longer.
 */
const KEEP_EVERY = 512;
/** Events before a rare state at which a run is forked, at most. */
const MOST_BEFORE = 96;

export async function runBlock(searcher: Searcher, options: BlockOptions): Promise<BlockResult> {
  const { block, blockRuns, runs, skip, auditAll, findings = Infinity } = options;
  const { beforeDraw, beforeRun, afterRun, alive, isStopped } = options;
  const how = { keepEvery: KEEP_EVERY, ...(alive && { alive }) };
  const { scenario } = searcher;
  const led: ResolvedScenario[] = [];
  const rare: RareState[] = [];
  const forks = new Forks(searcher, options, rare);
  const known = new Set<string>();
  let { ground } = searcher;
  const sum = new TallySum();
  const audits: AuditTask[] = [];
  for (let i = 0; i < runs; i++) {
    const run = block * blockRuns + i;
    if (skip.includes(run)) continue;
    beforeDraw?.(run);
    const chooser = seededChooser(options.seed, run);
    const fork = forks.next(chooser, ground);
    const planned: Planned = fork ?? {
      document: variantOf(searcher, options, ground, led, chooser),
    };
    const { document, from } = planned;
    beforeRun?.(run, document);
    await turn();
    const record =
      from === undefined
        ? runDocument(scenario, document, how)
        : runFork(scenario, from, document, how);
    ground = widened(ground, record.coverage.phases);
    const fresh = newIn(record, known);
    if (fresh.length > 0) led.push(document);
    for (const event of some(chooser, fresh)) rare.push(rareState(document, record, event));
    sum.add(tallyOf(run, document, record, from?.event ?? 0));
    // The root of a fork is held against that of the same document from the beginning.
    const isAudited = auditAll || run % AUDIT_EVERY === AUDIT_EVERY - 1;
    if (isAudited) audits.push({ run, document, root: record.root });
    await afterRun?.(run, document, record);
    if (sum.findings >= findings || isStopped?.()) break;
  }
  return { block, tally: sum.tally, audits };
}

/** Something new that a run did, and what was kept of it shortly before. */
interface RareState {
  readonly document: ResolvedScenario;
  readonly event: number;
  readonly kept: readonly KeptMoment[];
}

function rareState(document: ResolvedScenario, record: RunRecord, event: number): RareState {
  const from = event - MOST_BEFORE - KEEP_EVERY;
  const kept = record.kept.filter((moment) => moment.event >= from && moment.event < event);
  return { document, event, kept };
}

/** Forks before the states that were new in this block, the latest first. */
class Forks {
  readonly #searcher: Searcher;
  readonly #options: BlockOptions;
  readonly #rare: RareState[];
  #point: ForkPoint | undefined;
  #left = 0;

  constructor(searcher: Searcher, options: BlockOptions, rare: RareState[]) {
    this.#searcher = searcher;
    this.#options = options;
    this.#rare = rare;
  }

  next(chooser: Chooser, ground: Ground): Planned | undefined {
    const { strategy } = this.#options;
    if (strategy === "uniform" || !chance(chooser, FORK_PERCENT)) return undefined;
    if (this.#left === 0) this.#take(chooser);
    if (this.#point === undefined) return undefined;
    this.#left--;
    const { scenario, vocabulary, base } = this.#searcher;
    const features = drawFeatures(chooser, vocabulary, base, FEATURES[strategy]!);
    const drawn = drawFork(chooser, this.#point, features, ground);
    const checked = checkVariant(scenario, withoutDangling(drawn, vocabulary));
    return checked && { document: checked, from: this.#point };
  }

  #take(chooser: Chooser): void {
    this.#point = undefined;
    const next = this.#rare.pop();
    if (next === undefined) return;
    const { document, event, kept } = next;
    const latest = event - skewed(chooser, 1, MOST_BEFORE);
    const before = kept.findLast((each) => each.event <= latest) ?? kept[0];
    if (before === undefined) return;
    const at = Math.max(latest, before.event);
    this.#point = forkPoint(this.#searcher.scenario, document, before, at);
    this.#left = this.#point === undefined ? 0 : FORKS;
  }
}

/** Lets the event loop have a turn: messages are sent, and a request to stop is seen. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The document of one run from the beginning. */
function variantOf(
  { base, vocabulary, scenario, generates }: Searcher,
  { strategy }: BlockOptions,
  ground: Ground,
  led: readonly ResolvedScenario[],
  chooser: Chooser,
): ResolvedScenario {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const features = drawFeatures(chooser, vocabulary, base, FEATURES[strategy]!);
    const isGuided = strategy !== "uniform" && led.length > 0 && chance(chooser, NEAR_PERCENT);
    const from = isGuided ? oneOf(chooser, led) : generates ? drawDocument(chooser) : base;
    const of = generates ? likelyGround(from, vocabulary) : ground;
    const document = isGuided
      ? drawNeighbour(chooser, from, features, of, vocabulary)
      : drawVariant(chooser, from, features, of, vocabulary);
    const checked = checkVariant(scenario, document);
    if (checked !== undefined) return checked;
  }
  return { ...base, seed: chooser.below(2 ** 31) };
}

function checkVariant(
  { own }: ReadyScenario,
  document: ResolvedScenario,
): ResolvedScenario | undefined {
  const checked = validateDocument(document, { file: "variant", extensions: own.mechanisms });
  return checked.ok ? checked.document : undefined;
}

/**
 * Events in which the run entered a phase, filled a cell or reached a state as none of the block did
 * before, each once.
 */
function newIn({ coverage, reached }: RunRecord, known: Set<string>): readonly number[] {
  const events = new Set<number>();
  const all = [...coverage.entered, ...coverage.cells, ...Object.entries(reached)];
  for (const [name, event] of all) {
    if (known.has(name)) continue;
    known.add(name);
    events.add(event);
  }
  return [...events];
}

/** Of one run no more than these are forked: the first runs of a block find nearly all there is. */
const MOST_RARE = 2;

function some(chooser: Chooser, events: readonly number[]): readonly number[] {
  if (events.length <= MOST_RARE) return events;
  return Array.from({ length: MOST_RARE }, () => oneOf(chooser, events));
}
