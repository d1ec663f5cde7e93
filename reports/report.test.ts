import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MemoryTraceWriter, openTrace, RecordedRun, RunSummary } from "../traces/index.ts";
import { validateDocument } from "../scenarios/index.ts";
import { renderMarkdown, renderReport, type ReportInput } from "./index.ts";

const CHROMIUM = "/usr/bin/chromium";
const HOSTILE = `<script>alert("x")</script>`;

function input(): ReportInput {
  const checked = validateDocument(
    {
      name: "small",
      description: HOSTILE,
      durationMs: 1_000,
      hosts: [{ id: "alpha", cores: 1, memoryMiB: 512 }],
    },
    { file: "test" },
  );
  if (!checked.ok) throw new Error("the document is wrong");
  const writer = new MemoryTraceWriter({
    codeVersion: "0123456789abcdef",
    scenarioJson: JSON.stringify(checked.document),
    seed: 1,
    epochEvents: 65_536,
    epochNs: 1e10,
    extra: { path: "/x/small.ts", log: "full", entropy: "seed", node: "v20" },
  });
  const point = {
    fromNs: 0,
    toNs: 1e8,
    count: 7,
    sum: 7e5,
    min: 9e4,
    max: 2e5,
    p50: 1e5,
    p99: 2e5,
  };
  writer.appendPlain("notices", { count: 4 }, [
    [1, 0, "op", "operation", { id: "snap", kind: "snapshot", vm: null, host: "alpha" }],
    [2, 5e6, "op", "phase", { id: "snap", phase: "begin" }],
    [3, 9e6, "op", "operation-end", { id: "snap", outcome: "complete", figures: {}, detail: null }],
    [4, 1e7, "alpha", "metric", { series: "read-latency-ns", ...point }],
    [
      5,
      2e7,
      "alpha",
      "violation",
      {
        invariant: "nothing is lost",
        mechanism: "disks",
        entities: [HOSTILE],
        event: 5,
        atNs: 2e7,
        message: "it was",
        fields: {},
      },
    ],
  ]);
  const end = { root: "00ff00ff00ff00ff", events: 5, timeNs: 2e7, finished: true, unreached: [] };
  writer.closeSync("violation", end);
  const opened = openTrace(writer.bytes());
  if (!opened.ok) throw new Error(opened.message);
  const run = new RecordedRun(opened.trace);
  const summary = RunSummary.of(run.notices());
  return { file: "small.orrery", run, summary, status: "whole", damage: undefined };
}

describe("a report", () => {
  it("says what happened, has no script in it, and is the same every time", async () => {
    const html = await renderReport([input()]);
    expect(html).toBe(await renderReport([input()]));
    for (const part of ["nothing is lost", "snap", "00ff00ff00ff00ff", "1 violation", "<svg"]) {
      expect(html).toContain(part);
    }
    expect(html).not.toContain("<script");
    expect(html).toContain("npx orrery inspect small.orrery --at &#39;#5&#39;");
  });

  it("compares several runs, and exists as Markdown", async () => {
    expect(await renderReport([input(), input()])).toContain("Runs compared");
    const markdown = renderMarkdown([input()]);
    expect(markdown).toContain("nothing is lost");
    expect(markdown).not.toContain("<script");
  });

  it.skipIf(!existsSync(CHROMIUM))(
    "opens in Chromium without errors or requests (needs chromium)",
    async () => {
      const { chromium } = await import("playwright-core");
      const folder = mkdtempSync(join(tmpdir(), "orrery-report-"));
      const file = join(folder, "report.html");
      writeFileSync(file, await renderReport([input()]));
      const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
      const browser = await chromium.launch({ executablePath: CHROMIUM, args });
      try {
        const page = await browser.newPage();
        const troubles: string[] = [];
        page.on("console", (message) => troubles.push(message.text()));
        page.on("pageerror", (error) => troubles.push(String(error)));
        page.on("request", (request) => {
          if (!request.url().startsWith("file:")) troubles.push(request.url());
        });
        await page.goto(`file://${file}`);
        expect(await page.locator("svg").count()).toBeGreaterThan(0);
        expect(await page.locator("h1").textContent()).toBe("small");
        expect(troubles).toEqual([]);
      } finally {
        await browser.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
