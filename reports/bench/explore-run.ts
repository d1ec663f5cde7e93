// Blocks of a search, one after the other, in a process of its own; prints what they cost as JSON, and
// where the time of a run goes. Processor time of all threads counts. Argument: blocks.
import { argv, cpuUsage } from "node:process";
import { BLOCK_RUNS, createSearcher, runBlock } from "../../properties/index.ts";
import {
  createBuilder,
  prepareScenario,
  type ResolvedScenario,
  validateDocument,
} from "../../scenarios/index.ts";

export interface ExploreFigures {
  readonly runs: number;
  readonly forks: number;
  readonly events: number;
  readonly cpuSeconds: number;
  /** Microseconds of a run from the beginning. */
  readonly parts: Parts;
}

interface Parts {
  readonly check: number;
  readonly build: number;
  readonly events: number;
  readonly invariants: number;
  readonly end: number;
  readonly root: number;
}

/** Compiled by then. */
const WARM_UP_BLOCKS = 6;
const SAMPLE = 40;

const prepared = await prepareScenario("scenarios/storage-storm.ts");
if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
const { scenario } = prepared;
const searcher = createSearcher(scenario);
const documents: ResolvedScenario[] = [];

const seconds = (): number => {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000_000;
};

async function blocks(from: number, count: number): Promise<Omit<ExploreFigures, "parts">> {
  const started = seconds();
  let [runs, forks, events] = [0, 0, 0];
  for (let block = from; block < from + count; block++) {
    const { tally } = await runBlock(searcher, {
      seed: 1,
      strategy: "swarm",
      blockRuns: BLOCK_RUNS,
      auditAll: false,
      block,
      runs: BLOCK_RUNS,
      skip: [],
      beforeRun: (_run, document) => {
        if (documents.length < SAMPLE) documents.push(document);
      },
    });
    runs += tally.runs;
    forks += tally.forks;
    events += tally.events;
  }
  return { runs, forks, events, cpuSeconds: seconds() - started };
}

/** Runs of the documents, part by part; with invariants and without. */
function partsOf(): Parts {
  const { inputs, own, images = [] } = scenario;
  let [check, build, bare, checked, end, root] = [0, 0, 0, 0, 0, 0];
  for (const document of documents) {
    const marks = [seconds()];
    const mark = (): void => void marks.push(seconds());
    validateDocument(document, { file: "bench" });
    mark();
    const builder = createBuilder(document, inputs, own, images);
    const world = builder.build({ seed: document.seed });
    mark();
    world.run({ untilNs: builder.durationNs });
    mark();
    world.finish();
    mark();
    world.root();
    mark();
    const unchecked = builder.build({ seed: document.seed });
    unchecked.checker.forget();
    mark();
    unchecked.run({ untilNs: builder.durationNs });
    mark();
    const spent = marks.slice(1).map((at, index) => at - marks[index]!);
    check += spent[0]!;
    build += spent[1]!;
    checked += spent[2]!;
    end += spent[3]!;
    root += spent[4]!;
    bare += spent[6]!;
  }
  const each = (spent: number): number => Math.round((spent / documents.length) * 1e6);
  return {
    check: each(check),
    build: each(build),
    events: each(bare),
    invariants: each(Math.max(0, checked - bare)),
    end: each(end),
    root: each(root),
  };
}

await blocks(0, WARM_UP_BLOCKS);
const figures: ExploreFigures = {
  ...(await blocks(WARM_UP_BLOCKS, Number(argv[2] ?? 1))),
  parts: partsOf(),
};
console.log(JSON.stringify(figures));
