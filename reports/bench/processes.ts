// Starts the runs of a benchmark, each in a process of its own, and finds out which peers are there.
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BootFigures } from "./boot-run.ts";
import type { ChainFigures } from "./deep-chain-run.ts";
import type { ExploreFigures } from "./explore-run.ts";
import type { HoldFigures } from "./hold-run.ts";
import type { LargeVmFigures } from "./large-vm-run.ts";
import type { ScenarioFigures } from "./scenario-run.ts";
import type { SearchFigures } from "./search-run.ts";
import type { SmallRunsFigures } from "./small-runs.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const PYTHONS = ["python3", "/usr/bin/python3"];

/** A folder for this run's files. */
export const scratch: string = mkdtempSync(join(tmpdir(), "orrery-bench-"));

/** `flags` are Node's. */
export function holdRun(
  timers: number,
  events: number,
  path = "-",
  flags: readonly string[] = [],
): HoldFigures {
  const script = ["--import", "tsx", here("./hold-run.ts")];
  const args = [...flags, ...script, String(timers), String(events), path];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as HoldFigures;
}

/** Runs a scenario, recorded or not. */
export function scenarioRun(scenario: string, path = "-"): ScenarioFigures {
  const args = ["--import", "tsx", here("./scenario-run.ts"), scenario, path];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as ScenarioFigures;
}

export function deepChainRun(requests: number, layers: number): ChainFigures {
  const args = ["--import", "tsx", here("./deep-chain-run.ts"), String(requests), String(layers)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as ChainFigures;
}

export function smallRuns(how: "checked" | "unchecked", runs: number): SmallRunsFigures {
  const args = ["--import", "tsx", here("./small-runs.ts"), how, String(runs)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as SmallRunsFigures;
}

/** Moves or checkpoints a VM of 64 GiB. */
export function largeVmRun(what: "move" | "checkpoint"): LargeVmFigures {
  const args = ["--import", "tsx", here("./large-vm-run.ts"), what];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as LargeVmFigures;
}

/** Blocks of a search. */
export function exploreRun(blocks: number): ExploreFigures {
  const args = ["--import", "tsx", here("./explore-run.ts"), String(blocks)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as ExploreFigures;
}

/** A search with so many workers. */
export function searchRun(workers: number, runs: number): SearchFigures {
  const args = ["--import", "tsx", here("./search-run.ts"), String(workers), String(runs)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as SearchFigures;
}

/** Boots Debian, recorded unless the path is "-", and so often again. */
export function bootRun(path: string, again = 0): BootFigures {
  const args = ["--import", "tsx", here("./boot-run.ts"), path, String(again)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as BootFigures;
}

/** What a process holds that has loaded everything and does nothing. */
export function idleMiB(): number {
  const args = ["--import", "tsx", here("./boot-run.ts"), "idle"];
  const printed = execFileSync(process.execPath, args, { encoding: "utf8" });
  return (JSON.parse(printed) as Pick<BootFigures, "residentMiB">).residentMiB;
}

/** Seconds for a million events of the hold model in another simulator. */
export type Peer = (timers: number, events: number) => number;

/** SimPy (Debian: python3-simpy); undefined where it is not installed. */
export function simpyPeer(): Peer | undefined {
  const python = PYTHONS.find((each) => succeeds(each, ["-c", "import simpy"]));
  if (python === undefined) return undefined;
  return (timers, events) => seconds(python, [here("./peers/hold.py"), ...words(timers, events)]);
}

/** ns-3 in C++ (Debian: g++ and libns3-dev, optimised libraries); undefined where it is not. */
export function ns3Peer(): Peer | undefined {
  const program = join(scratch, "hold");
  const args = ["-O2", "-o", program, here("./peers/hold.cc"), "-lns3-core"];
  if (!succeeds("g++", args)) return undefined;
  return (timers, events) => seconds(program, words(timers, events));
}

const words = (timers: number, events: number): string[] => [String(timers), String(events)];

function seconds(command: string, args: readonly string[]): number {
  return Number(execFileSync(command, args, { encoding: "utf8" }));
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
