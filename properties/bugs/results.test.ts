/** What a hunt found out is kept line by line, goes on where it was cut, and merges with others. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Bug } from "./bug.ts";
import { documentOf } from "./results-page.ts";
import { type Result, Results } from "./results.ts";
import type { Explored } from "./searching/explore-bug.ts";
import { rowOf, tableOf, totalsOf } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "orrery-results-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bug = (name: string): Bug => ({
  name,
  what: "",
  mechanism: "disks",
  file: "core/none.ts",
  find: "a",
  replace: "b",
  breaks: [],
  suites: ["one", "two"],
});

const explored = (seed: number, found: boolean, faults = 0): Explored => ({
  seed,
  scenario: "storm",
  invariant: found ? "what is read was written" : null,
  reproducer: found ? { operations: 2, faults, faultsBefore: 4, isMinimal: true } : null,
  trouble: null,
  runs: seed * 10,
  seconds: seed,
  cpuSeconds: seed / 2,
});

const bugs = ["first", "second", "third"].map(bug);
const [first, second, third] = bugs as [Bug, Bug, Bug];

function hunted(file: string): Results {
  const results = new Results(join(folder, file), "v1");
  for (const seed of [1, 2, 3]) {
    const of = results.key(first);
    results.add({ kind: "explored", of, explored: explored(seed, seed < 3) });
  }
  for (const [of, at] of [
    [second, 0],
    [third, 1],
  ] as const) {
    for (const suite of ["one", "two"].slice(0, at === 0 ? 2 : 1)) {
      const failed = at === 0 ? 0 : 1;
      const said = { tests: 3, failed, first: failed ? "t: x" : null, isBroken: false };
      const outcome = { suite, ...said, seconds: 4, cpuSeconds: 3 };
      results.add({ kind: "suite", of: results.key(of), outcome });
    }
  }
  return results;
}

const linesOf = (file: string): readonly string[] =>
  readFileSync(join(folder, file), "utf8").trim().split("\n");

it("merges files of several hunts into what one hunt would have found, whatever they share", () => {
  const whole = hunted("whole.jsonl");
  const lines = linesOf("whole.jsonl");
  writeFileSync(join(folder, "a.jsonl"), `${lines.slice(0, 4).join("\n")}\n`);
  writeFileSync(join(folder, "b.jsonl"), `${lines.slice(2).join("\n")}\n`);
  const [a, b, none] = ["a.jsonl", "b.jsonl", "none.jsonl"].map((each) => join(folder, each));
  const merged = new Results(none!, "v1", [a!, b!]);
  const table = (results: Results) => tableOf(bugs.map((each) => rowOf(each, results)));
  expect(table(merged)).toBe(table(whole));
  expect(() => new Results(none!, "v1", [join(folder, "missing")])).toThrow(/missing/);
});

it("goes on behind a line that was cut, and takes no result of other code or another bug", () => {
  const whole = hunted("cut.jsonl");
  appendFileSync(join(folder, "cut.jsonl"), '{"kind":"expl');
  const again = new Results(join(folder, "cut.jsonl"), "v1");
  again.add({ kind: "explored", of: again.key(first), explored: explored(4, true) });
  const third4 = new Results(join(folder, "cut.jsonl"), "v1");
  expect(third4.explored(first)).toHaveLength(4);
  expect(whole.explored(first)).toHaveLength(3);
  expect(new Results(join(folder, "cut.jsonl"), "v2").explored(first)).toEqual([]);
  expect(third4.explored({ ...first, replace: "c" })).toEqual([]);
  const kinds = linesOf("cut.jsonl").map((line) => {
    try {
      return (JSON.parse(line) as Result).kind;
    } catch {
      return "cut";
    }
  });
  expect(kinds.filter((kind) => kind === "cut")).toHaveLength(1);
});

it("counts what was caught by what, how soon, and how small it became", () => {
  const rows = bugs.map((each) => rowOf(each, hunted("counts.jsonl")));
  expect(rows.map(({ caughtBy }) => caughtBy)).toEqual(["explore", "nothing", "suite"]);
  const totals = totalsOf(rows);
  expect(totals).toMatchObject({ byExplore: 1, bySuite: 1, survivors: ["second"] });
  // Of three seeds two found it, after 10 and 20 runs, so the median is the later one.
  expect(totals.medianRuns).toBe(20);
  expect([totals.medianEntries, totals.faultsRemovedPercent]).toEqual([2, 100]);
  expect(documentOf(rows, totals, "v1")).toMatch(/`v1`[^]*survivors: second/);
});
