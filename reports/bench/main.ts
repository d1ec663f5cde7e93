// `npm run bench`: the figures of the kernel and of traces, each held against its goal. Options:
// --json, --long (adds a run of 10^8 events), and names of benchmarks to run only those.
import { rmSync } from "node:fs";
import { benchBoot } from "./boot.ts";
import { benchHashing, benchMemory, benchSteadiness } from "./endurance.ts";
import { benchExplore } from "./explore.ts";
import { benchHold } from "./hold.ts";
import { benchLargeVm } from "./large-vm.ts";
import { scratch } from "./processes.ts";
import { benchRecording, benchTraceSize } from "./recording.ts";
import { formatRows, type Row } from "./row.ts";
import { benchSpeed } from "./rv64-speed.ts";
import { benchSeeking } from "./seeking.ts";
import { benchStorage } from "./storage.ts";
import { benchTraceCheck } from "./trace-check.ts";

const now = (bench: () => Row[]) => () => Promise.resolve(bench());

const BENCHES: { readonly [name: string]: () => Promise<Row[]> } = {
  hold: now(benchHold),
  storage: now(benchStorage),
  explore: now(benchExplore),
  size: now(benchTraceSize),
  seek: now(benchSeeking),
  hashing: now(benchHashing),
  steady: now(benchSteadiness),
  "large-vm": now(benchLargeVm),
  recording: now(benchRecording),
  boot: benchBoot,
  speed: now(benchSpeed),
  "trace-check": benchTraceCheck,
};

const words = process.argv.slice(2);
const asJson = words.includes("--json");
const names = words.filter((word) => !word.startsWith("--"));
const all = { ...BENCHES, ...(words.includes("--long") && { memory: now(benchMemory) }) };
const unknown = names.filter((name) => !(name in all));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(", ")}; there are ${Object.keys(all).join(", ")}`);
  process.exit(2);
}

const rows: Row[] = [];
try {
  for (const [name, bench] of Object.entries(all)) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (!asJson) console.error(`${name} ...`);
    rows.push(...(await bench()));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(asJson ? JSON.stringify({ node: process.version, rows }) : formatRows(rows));
