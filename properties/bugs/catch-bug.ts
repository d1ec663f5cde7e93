/** Whether what is said to catch a bug does, without being told of it, and what that took. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bug } from "./bug.ts";

export interface Caught {
  readonly bug: string;
  readonly seed: number;
  readonly isCaught: boolean;
  /** The invariant that broke, or the first line of what failed. */
  readonly by: string;
  /** Runs until it was found; 0 where that is not counted. */
  readonly runs: number;
  readonly seconds: number;
  /** Operations and faults of the shrunk reproducer. */
  readonly entries: number;
  /** Faults before and after it was shrunk. */
  readonly faults: readonly [found: number, left: number];
}

export interface CatchOptions {
  readonly seed: number;
  readonly workers: number;
  /** Seconds of searching, at most. */
  readonly most: number;
  readonly shrinkRuns: number;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ORRERY = join(ROOT, "cli", "bin.mjs");
const VITEST = join(ROOT, "node_modules", "vitest", "vitest.mjs");

interface Output {
  readonly text: string;
  readonly code: number | null;
}

async function nodeWith(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Output> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (part: Buffer) => (text += part.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { text, code };
}

const planted = (bug: Bug): readonly string[] => {
  const plant = new URL(`./plant.mjs?bug=${bug.name}`, import.meta.url).href;
  return ["--import", plant, ORRERY];
};

interface Finding {
  readonly invariant: string;
  readonly run: number;
  readonly operations: readonly [number, number];
  readonly faults: readonly [number, number];
}

export async function catchBug(bug: Bug, options: CatchOptions): Promise<Caught> {
  const startedMs = performance.now();
  const { seed } = options;
  if ("test" in bug.caughtBy) {
    const args = [VITEST, "run", bug.caughtBy.test, "--reporter", "dot"];
    const { code } = await nodeWith(args, { ORRERY_BUG: bug.name });
    const seconds = (performance.now() - startedMs) / 1_000;
    const nothing = { by: bug.caughtBy.test, runs: 0, entries: 0, faults: [0, 0] } as const;
    return { bug: bug.name, seed, isCaught: code !== 0, seconds, ...nothing };
  }
  const folder = await mkdtemp(join(tmpdir(), "orrery-bug-"));
  try {
    const { text } = await nodeWith([...planted(bug), ...command(bug, options, folder)]);
    const found = JSON.parse(text === "" ? "{}" : text) as {
      readonly findings?: readonly Finding[];
      readonly wallMs?: number;
      readonly error?: { readonly message: string };
    };
    const wallMs = found.wallMs ?? performance.now() - startedMs;
    const [finding] = found.findings ?? [];
    return {
      bug: bug.name,
      seed,
      isCaught: finding !== undefined,
      by: finding?.invariant ?? found.error?.message ?? "",
      runs: finding === undefined ? 0 : finding.run + 1,
      seconds: wallMs / 1_000,
      entries: finding === undefined ? 0 : finding.operations[1] + finding.faults[1],
      faults: finding?.faults ?? [0, 0],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function command(
  { caughtBy }: Bug,
  { seed, workers, most, shrinkRuns }: CatchOptions,
  folder: string,
): readonly string[] {
  const { settings = [] } = caughtBy as { readonly settings?: readonly string[] };
  const sets = settings.flatMap((setting) => ["--set", setting]);
  const common = ["--seed", `${seed}`, "--shrink-runs", `${shrinkRuns}`, "-o", folder, "--json"];
  if ("crashes" in caughtBy) return ["crashes", caughtBy.crashes, ...sets, ...common];
  const { explore } = caughtBy as { readonly explore: string };
  const limits = ["--for", `${most}`, "--findings", "1", "--workers", `${workers}`];
  return ["explore", explore, ...limits, ...sets, ...common];
}
