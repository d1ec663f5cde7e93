/**
 * Runs test files with a planted bug loaded. Must hold: a suite that fails without the bug, or that
 * cannot be loaded with it, has caught nothing.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../loading/substitution.ts";

export interface SuiteOutcome {
  readonly suite: string;
  readonly tests: number;
  readonly failed: number;
  /** The first failed test, or why nothing could be run. */
  readonly first: string | null;
  readonly isBroken: boolean;
  readonly seconds: number;
  /** Of the processor, of all processes of the suite; null where the system does not tell. */
  readonly cpuSeconds: number | null;
}

interface Report {
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  /** Path of the file. */
  readonly name: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly fullName: string;
    readonly failureMessages: readonly string[];
  }[];
}

const CONFIG = fileURLToPath(new URL("../loading/planted.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("node_modules/vitest/vitest.mjs", ROOT));

/** Suites that take longer than this are ended, and the bug is what they do not end with. */
const MOST_MS = 300_000;

/**
 * One after the other until one fails: that one's outcome alone, or all of them. The time is that of
 * the first outcome, as starting costs more than most suites.
 */
export async function runSuites(
  suites: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<readonly SuiteOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), "orrery-bug-"));
  const path = join(folder, "report.json");
  const startedMs = performance.now();
  try {
    const words = ["run", "--config", CONFIG, "--bail", "1", "--reporter", "json"];
    const all = [VITEST, ...words, "--outputFile", path, ...suites];
    const cpuSeconds = await ended(all, environment);
    const seconds = (performance.now() - startedMs) / 1e3;
    const report = reportIn(path);
    if (report === undefined && seconds * 1e3 >= MOST_MS && suites.length > 1) {
      return runSuites(suites.slice(0, 1), environment);
    }
    const found =
      report === undefined
        ? [nothingSaid(suites[0]!, seconds * 1e3 >= MOST_MS)]
        : outcomesOf(report, suites);
    return found.map((each, at) =>
      at === 0 ? { ...each, seconds, cpuSeconds } : { ...each, seconds: 0, cpuSeconds: 0 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A shell knows what its children used of the processor, and theirs; Node does not. It hands the end
 * on: a suite that goes on behind the hunt's back would take the processor from the next one.
 */
const TIMED = 'trap "kill -9 \\$!" TERM; "$@" & wait $!; times >&3';

async function ended(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
  const child = spawn("/bin/sh", ["-c", TIMED, "sh", process.execPath, ...words], {
    cwd: fileURLToPath(ROOT),
    env,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const end = (): unknown => child.kill("SIGTERM");
  const watch = setTimeout(end, MOST_MS);
  process.once("exit", end);
  let text = "";
  child.stdio[3]!.on("data", (chunk) => (text += String(chunk)));
  try {
    await new Promise<void>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", () => resolve());
    });
  } finally {
    clearTimeout(watch);
    process.off("exit", end);
  }
  return childSeconds(text);
}

/** Of the second line of `times`, such as `0m3.120s 0m0.420s`: user and system. */
function childSeconds(text: string): number | null {
  const times = [...(text.trim().split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)];
  if (times.length !== 2) return null;
  return times.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

type Judged = Omit<SuiteOutcome, "seconds" | "cpuSeconds">;

const nothingSaid = (suite: string, wasEnded: boolean): Judged =>
  wasEnded
    ? { suite, tests: 1, failed: 1, first: "does not end", isBroken: false }
    : { suite, tests: 0, failed: 0, first: "no report", isBroken: true };

function reportIn(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

function outcomesOf({ testResults }: Report, suites: readonly string[]): readonly Judged[] {
  const suiteOf = ({ name }: FileReport): string => {
    const file = relative(fileURLToPath(ROOT), name);
    return suites.find((suite) => file.includes(suite)) ?? file;
  };
  for (const file of testResults) {
    const first = firstFailure(file);
    if (first === undefined) continue;
    const tests = file.assertionResults.length;
    return [
      { suite: suiteOf(file), tests, failed: 1, first: first.slice(0, 300), isBroken: false },
    ];
  }
  return suites.map((suite) => {
    const files = testResults.filter((file) => suiteOf(file) === suite);
    const tests = files.reduce((sum, { assertionResults }) => sum + assertionResults.length, 0);
    return { suite, tests, failed: 0, first: null, isBroken: tests === 0 };
  });
}

/** A file that throws while it is loaded has no tests: what it does at once, it does as a test. */
function firstFailure({ message, assertionResults }: FileReport): string | undefined {
  const failed = assertionResults.find(({ status }) => status === "failed");
  const line = failed?.failureMessages[0]?.split("\n")[0] ?? "";
  if (failed !== undefined) return `${failed.fullName}: ${line}`;
  return message === "" ? undefined : message.split("\n")[0]!;
}
