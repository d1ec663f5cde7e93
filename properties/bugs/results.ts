/**
 * What was found out about each bug, kept in a file outside the tree, a line each, so that a hunt
 * can be ended at any moment and taken up again. A result holds for one code version and one text
 * of the bug.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Bug } from "./bug.ts";
import type { Explored } from "./searching/explore-bug.ts";
import type { SuiteOutcome } from "./searching/run-suites.ts";

export type Result =
  | { readonly kind: "explored"; readonly of: string; readonly explored: Explored }
  | { readonly kind: "suite"; readonly of: string; readonly outcome: SuiteOutcome };

export class Results {
  readonly #file: string;
  readonly #version: string;
  readonly #results: Result[] = [];

  /** `others`: files of other hunts, which must be there, and are only read. */
  constructor(file: string, version: string, others: readonly string[] = []) {
    this.#file = file;
    this.#version = version;
    if (!existsSync(file)) mkdirSync(dirname(file), { recursive: true });
    else if (!/(^|\n)$/.test(readFileSync(file, "utf8"))) appendFileSync(file, "\n");
    const files = [...others, ...(existsSync(file) ? [file] : [])];
    const lines = files.flatMap((each) => readFileSync(each, "utf8").split("\n"));
    // What two hunts share is one result.
    for (const line of new Set(lines)) {
      const result = parsed(line);
      if (result !== undefined) this.#results.push(result);
    }
  }

  /** What results of a bug stand under; of sound sources when there is none. */
  key(bug?: Bug): string {
    if (bug === undefined) return `${this.#version}:sound`;
    const text = JSON.stringify([bug.file, bug.find, bug.replace]);
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
    return `${this.#version}:${bug.name}:${hash}`;
  }

  add(result: Result): void {
    this.#results.push(result);
    appendFileSync(this.#file, `${JSON.stringify(result)}\n`);
  }

  explored(bug: Bug): readonly Explored[] {
    const of = this.key(bug);
    const bySeed = new Map<number, Explored>();
    for (const each of this.#results) {
      if (each.kind === "explored" && each.of === of) bySeed.set(each.explored.seed, each.explored);
    }
    return [...bySeed.values()];
  }

  suites(bug?: Bug): readonly SuiteOutcome[] {
    const of = this.key(bug);
    return this.#results.flatMap((each) =>
      each.kind === "suite" && each.of === of ? [each.outcome] : [],
    );
  }
}

/** The last line of a hunt that was ended may be cut. */
function parsed(line: string): Result | undefined {
  try {
    return line === "" ? undefined : (JSON.parse(line) as Result);
  } catch {
    return undefined;
  }
}
