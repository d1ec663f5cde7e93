// Whole runs of a small storage scenario, one after the other, in a process of its own; prints what
// they cost as JSON. Arguments: "checked" or "unchecked", and how many runs are counted.
import { argv, cpuUsage } from "node:process";
import { fromMs } from "../../core/kernel/index.ts";
import {
  createBuilder,
  NOTHING_OWN,
  type ScenarioDocument,
  validateDocument,
} from "../../scenarios/index.ts";

export interface SmallRunsFigures {
  readonly runs: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of one run, on average. */
  readonly events: number;
  readonly buildMs: number;
}

const block = { pacing: "closed", outstanding: 2, thinkTimeUs: 1_500, readPercent: 30 } as const;
const DOCUMENT: ScenarioDocument = {
  name: "small-storage",
  seed: 1,
  durationMs: 42,
  hosts: [
    { id: "alpha", cores: 2, memoryMiB: 4_096 },
    { id: "beta", cores: 2, memoryMiB: 4_096 },
  ],
  arrays: [{ id: "array", readLatencyUs: 100, writeLatencyUs: 80 }],
  links: [{ between: ["alpha", "array"] }, { between: ["beta", "array"] }],
  vms: [
    {
      id: "db",
      host: "alpha",
      restartOn: ["beta"],
      memoryMiB: 512,
      guest: {
        kind: "workload",
        bootMs: 2,
        phases: [
          {
            name: "work",
            durationMs: 10_000,
            block: [
              { ...block, disk: "data", regionMiB: 1, flushEvery: 4 },
              { ...block, disk: "log", regionMiB: 1, flushEvery: 2 },
            ],
          },
        ],
      },
      disks: [
        { id: "data", on: "array", sizeMiB: 64, cacheMode: "writeback" },
        { id: "log", on: "array", sizeMiB: 64, grainKiB: 16 },
      ],
    },
  ],
  timeline: [
    { id: "first", atMs: 15, do: "snapshot", vm: "db" },
    { id: "merge", atMs: 30, do: "consolidate", vm: "db", point: "first" },
  ],
};
const WARM_UP = 200;

const [isChecked, runs] = [argv[2] !== "unchecked", Number(argv[3] ?? 400)];
const checked = validateDocument(DOCUMENT, { file: "bench" });
if (!checked.ok) throw new Error(checked.problems[0]!.message);
const { build } = createBuilder(checked.document, [], NOTHING_OWN);
let events = 0;
let buildMs = 0;

function runOnce(seed: number): void {
  const from = performance.now();
  const world = build({ seed });
  if (!isChecked) world.checker.forget();
  buildMs += performance.now() - from;
  world.run({ untilNs: fromMs(DOCUMENT.durationMs) });
  world.finish();
  events += world.eventCount;
  const [violation] = world.checker.violations;
  if (violation !== undefined) throw new Error(violation.message);
}

for (let run = 0; run < WARM_UP; run++) runOnce(run);
[events, buildMs] = [0, 0];
const before = cpuUsage();
const started = performance.now();
for (let run = 0; run < runs; run++) runOnce(run);
const wallSeconds = (performance.now() - started) / 1_000;
const { user, system } = cpuUsage(before);
const figures: SmallRunsFigures = {
  runs,
  wallSeconds,
  cpuSeconds: (user + system) / 1_000_000,
  events: Math.round(events / runs),
  buildMs: buildMs / runs,
};
console.log(JSON.stringify(figures));
