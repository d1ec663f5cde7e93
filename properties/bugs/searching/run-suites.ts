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
    await ended([VITEST, ...words, "--outputFile", report, suite], environment);
    const seconds = (performance.now() - startedMs) / 1e3;
    return { suite, seconds, ...read(report) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ended(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, words, {
    cwd: fileURLToPath(ROOT),
    env,
    stdio: "ignore",
    timeout: MOST_MS,
    killSignal: "SIGKILL",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => resolve());
  });
}

function read(path: string): Omit<SuiteOutcome, "suite" | "seconds"> {
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
