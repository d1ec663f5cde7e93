/** The bug bank: no bug is stale, each can be planted, and a search without one finds nothing. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bugNamed, bugs } from "./bank.ts";
import { catchBug } from "./catch-bug.ts";
import { plantBug } from "./vitest-plugin.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const places = (source: string, find: string): number => source.split(find).length - 1;

describe("the bank", () => {
  it("has bugs of different names that change something", () => {
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
    for (const { find, replace } of bugs) expect(find).not.toBe(replace);
  });

  it.each(bugs)("$name is in its source once", ({ file, find, caughtBy }) => {
    expect(places(readFileSync(`${ROOT}${file}`, "utf8"), find)).toBe(1);
    for (const path of Object.values(caughtBy).filter((each) => typeof each === "string")) {
      expect(existsSync(`${ROOT}${path}`)).toBe(true);
    }
  });

  it("notices a stale one (canary)", () => {
    const bug = bugNamed("snapshot-without-drain");
    const plugin = plantBug(bug.name);
    expect(() => plugin.transform("nothing of it", `${ROOT}${bug.file}`)).toThrow(/stale/);
    expect(plugin.transform(bug.find, `${ROOT}${bug.file}`)).toBe(bug.replace);
    expect(() => bugNamed("none")).toThrow(/no bug none/);
  });
});

describe("a planted bug", () => {
  it("is in the process that plants it, and in no other", () => {
    const run = (args: readonly string[]): string => {
      const command = [
        "cli/bin.mjs",
        "run",
        "properties/explorer/found/two-snapshots-at-once.json",
      ];
      const words = [...args, ...command, "--no-trace", "--json"];
      try {
        return execFileSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" });
      } catch (error) {
        return (error as { stdout: string }).stdout;
      }
    };
    const plant = "./properties/bugs/plant.mjs?bug=undo-removes-the-others-layers";
    const broken = JSON.parse(run(["--import", plant])) as { violations: unknown[] };
    expect(broken.violations.length).toBeGreaterThan(0);
    expect(JSON.parse(run([]))).toMatchObject({ violations: [] });
  }, 60_000);

  it("is caught by a search that does not know of it, workers included", async () => {
    const options = { seed: 1, workers: 2, most: 90, shrinkRuns: 40 };
    const caught = await catchBug(bugNamed("flush-stops-in-the-page-cache"), options);
    expect(caught).toMatchObject({ isCaught: true });
  }, 300_000);
});
