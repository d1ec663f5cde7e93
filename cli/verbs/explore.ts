/** `orrery explore`: hunts over seeds, schedules and faults for broken invariants. */
import type { Strategy } from "../../properties/index.ts";
import { parseTime, type Parsed } from "../time.ts";
import { parseCount, parseSome, type Verb, verb } from "../verb.ts";
import { exploreOutput } from "./explore-output.ts";

export interface ExploreFlags {
  readonly runs?: number;
  /** Milliseconds. */
  readonly for?: number;
  readonly workers?: number;
  readonly seed?: number;
  readonly strategy?: Strategy;
  readonly shard?: Shard;
  readonly findings?: number;
  readonly shrinkRuns?: number;
  readonly set?: readonly string[];
  readonly audit?: boolean;
  readonly strict?: boolean;
  readonly merge?: boolean;
  readonly generate?: boolean;
  readonly resume?: boolean;
  readonly out?: string;
}

interface Shard {
  readonly index: number;
  readonly of: number;
}

/** A plain number is seconds here: nobody hunts for milliseconds. */
function parseWallTime(text: string): Parsed<number> {
  const time = parseTime(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text);
  if (time.ok) return { ok: true, value: time.value / 1e6 };
  return { ok: false, expected: "a time: 30s, 10min, 2h; a plain number is seconds" };
}

/** `1/3` to `3/3`. */
function parseShard(text: string): Parsed<Shard> {
  const [, index = "0", of = "0"] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index) - 1, of: Number(of) };
  return shard.index >= 0 && shard.index < shard.of
    ? { ok: true, value: shard }
    : { ok: false, expected: "a part of a whole, for instance 1/3" };
}

const options = [
  { flags: "--runs <n>", describe: "runs in all (default: 1000)", parse: parseCount },
  {
    flags: "--for <time>",
    describe: "begin no run after this real time; a plain number is seconds here",
    parse: parseWallTime,
  },
  { flags: "--workers <n>", describe: "processes (default: one a core)", parse: parseSome },
  { flags: "--seed <n>", describe: "seed of the search (default: 1)", parse: parseCount },
  {
    flags: "--strategy <name>",
    describe:
      "uniform = all features in each run; swarm = a random subset in each; pct = the scenario " +
      "nearly as it is, with a few requests overtaken by all others; exhaustive = all orders of " +
      "its operations, and each of its faults at every durable step. Swarm and pct are guided: runs " +
      "near those that led to something new, and forks shortly before it (default: swarm)",
    choices: ["uniform", "swarm", "pct", "exhaustive"],
  },
  {
    flags: "--shard <i/n>",
    describe:
      "do only this part of the runs, in blocks of 128; the parts' results are put together " +
      "with --merge",
    parse: parseShard,
  },
  {
    flags: "--findings <n>",
    describe: "stop when so many different findings were made",
    parse: parseCount,
  },
  {
    flags: "--shrink-runs <n>",
    describe: "runs spent at most on making a finding small (default: 2000)",
    parse: parseCount,
  },
  {
    flags: "--set <path=value>",
    describe: "change the scenario before it is varied; may be repeated",
    repeatable: true,
  },
  {
    flags: "--audit",
    describe: "repeat every run in another process under other conditions, not one in 64",
  },
  { flags: "--strict", describe: "a state that was never reached is a failure, exit 1" },
  { flags: "--generate", describe: "no scenario: each run draws a datacenter of its own" },
  {
    flags: "--resume",
    describe: "go on with an exhaustive search that was cut, from its folder (-o)",
  },
  { flags: "--merge", describe: "the arguments are result files of shards: print them as one" },
  {
    flags: "-o, --out <dir>",
    describe: "folder for findings and search.json (default: explore-NAME-SEED)",
  },
];

const examples = [
  {
    command: "orrery explore scenarios/storage-storm.ts --runs 20000",
    describe: "Varies timeline, faults, loads and latencies; saves each finding, shrunk.",
  },
  {
    command: "orrery explore mine.ts --for 10min --strategy pct --audit",
    describe: "Ten minutes of few, well-placed delays; every run is repeated elsewhere.",
  },
  {
    command: "orrery explore scenarios/small-scope.ts --strategy exhaustive -o small",
    describe: "All there is in a small scope: behaviours, states, merged runs, complete or not.",
  },
  {
    command: "orrery explore scenarios/small-scope.ts --strategy exhaustive -o small --resume",
    describe: "Goes on where that was interrupted, or ended by --for or --runs.",
  },
  {
    command: "orrery explore mine.ts --runs 1000000 --shard 1/2 -o one",
    describe: "Half of a search; the other machine does --shard 2/2.",
  },
  {
    command: "orrery explore --generate --for 10min",
    describe: "Hosts, arrays, links, VMs and guests are drawn, too.",
  },
  {
    command: "orrery explore --merge one/search.json two/search.json -o both",
    describe: "The same as the whole would have given.",
  },
];

export const explore: Verb = verb<readonly [readonly string[]], ExploreFlags>({
  name: "explore",
  describe: "hunt over seeds, schedules and faults; dedupe, shrink and save each finding",
  arguments: [
    {
      syntax: "[scenario...]",
      describe: "the scenario; with --merge: result files; none with --generate",
    },
  ],
  options,
  examples,
  output: exploreOutput,
  async run(context, [files], flags) {
    const { executeExplore, executeGenerated, executeMerge } = await import("./execute-explore.ts");
    if (flags.merge === true) return executeMerge(context, files, flags);
    if (flags.generate === true) return executeGenerated(context, files, flags);
    const [file] = files;
    if (file === undefined || files.length > 1) {
      return context.usage(`expected one scenario, got ${files.length} (see --merge)`);
    }
    return executeExplore(context, file, flags);
  },
});
