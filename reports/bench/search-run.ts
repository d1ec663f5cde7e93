// A whole search with worker processes, coordinated by a process of its own; prints what it cost as JSON.
// Arguments: workers, runs.
import { argv } from "node:process";
import { explore, type Explored } from "../../properties/index.ts";
import { prepareScenario } from "../../scenarios/index.ts";

type Found = Extract<Explored, { readonly ok: true }>;

export interface SearchFigures extends Pick<Found, "cost" | "wallMs"> {
  readonly runs: number;
}

/** Smaller than usual: two workers have as much to do as one. */
const BLOCK_RUNS = 64;
const FILE = "scenarios/storage-storm.ts";

const prepared = await prepareScenario(FILE);
if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
const explored = await explore(prepared.scenario, {
  request: {
    scenario: FILE,
    settings: [],
    seed: 1,
    strategy: "swarm",
    blockRuns: BLOCK_RUNS,
    auditAll: false,
  },
  limits: { runs: Number(argv[3]), shard: { index: 0, of: 1 }, findings: Infinity },
  workers: Number(argv[2]),
});
if (!explored.ok) throw new Error(explored.message);
const { cost, wallMs, result } = explored;
const figures: SearchFigures = { cost, wallMs, runs: result.tally.runs };
console.log(JSON.stringify(figures));
