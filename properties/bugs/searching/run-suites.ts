/**
 * Runs test files with a planted bug loaded. Must hold: a suite that fails without the bug, or that
 * cannot be loaded with it, has caught nothing.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  readonly numTotalTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const CONFIG = fileURLToPath(new URL("../loading/planted.config.ts", import.meta.url));
const VITEST = fileURLToPath(new URL("node_modules/vitest/vitest.mjs", ROOT));

/** A suite that takes longer than this is ended and has failed. */
const MOST_MS = 900_000;

export async function runSuite(
  suite: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<SuiteOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "orrery-bug-"));
  const report = join(folder, "report.json");
  const startedMs = performance.now();
  try {
    const words = ["run", "--config", CONFIG, "--bail", "1", "--reporter", "json"];
    const cpuSeconds = await ended([VITEST, ...words, "--outputFile", report, suite], environment);
    const seconds = (performance.now() - startedMs) / 1e3;
    return { suite, seconds, cpuSeconds, ...read(report) };
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

function read(path: string): Omit<SuiteOutcome, "suite" | "seconds" | "cpuSeconds"> {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return { tests: 0, failed: 0, first: "no report", isBroken: true };
  }
  const { numTotalTests: tests, numFailedTests: failed, testResults } = report;
  const first = testResults
    .flatMap((file) => file.assertionResults)
    .find(({ status }) => status === "failed");
  const line = first?.failureMessages[0]?.split("\n")[0] ?? "";
  if (first !== undefined)
    return { tests, failed, first: `${first.fullName}: ${line}`.slice(0, 300), isBroken: false };
  // A file that throws while it is loaded has no tests: what it does at once, it does as a test.
  const message = testResults.map((file) => file.message).find((text) => text !== "");
  if (message === undefined) return { tests, failed, first: null, isBroken: tests === 0 };
  return { tests, failed: 1, first: message.split("\n")[0]!.slice(0, 300), isBroken: false };
}
