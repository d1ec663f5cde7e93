import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateDocument } from "../../scenarios/index.ts";
import { experimentCsv, renderExperiment, renderExperimentMarkdown } from "./experiment-report.ts";
import type { Experiment } from "./experiment.ts";
import { experiments } from "./index.ts";
import { estimate, runExperiment } from "./run-experiment.ts";
import { cellsOf, withSettings } from "./sweep.ts";

/** Two ways to do nothing; what is measured is the power-on. */
const idle: Experiment = {
  name: "idle",
  describe: "Power-on, twice",
  question: "Does a slower array make power-on slower?",
  parameters: [
    { name: "latencyUs", describe: "latency of the array", unit: "µs", values: [100, 1_000] },
    { name: "cores", describe: "cores", values: ["one", "two"] },
  ],
  methods: [
    { name: "plain", describe: "as it is", baseline: false },
    { name: "far", describe: "over a long link", baseline: true },
  ],
  measures: [
    {
      name: "took",
      describe: "power-on",
      unit: "ms",
      of: (run) => {
        const found = run.operation("db.power-on");
        return found === undefined || found.endNs === null
          ? undefined
          : (found.endNs - found.startNs) / 1e6;
      },
    },
    { name: "never", describe: "not there", unit: "x", of: () => undefined },
  ],
  document: (setting, method) => ({
    name: "idle",
    durationMs: 500,
    hosts: [{ id: "alpha", cores: setting["cores"] === "one" ? 1 : 2, memoryMiB: 1_024 }],
    arrays: [{ id: "array", writeLatencyUs: setting["latencyUs"] as number }],
    links: [{ between: ["alpha", "array"], latencyUs: method === "far" ? 2_000 : 20 }],
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 64,
        guest: { kind: "workload", phases: [{ name: "rest", durationMs: 10 }] },
        disks: [{ id: "data", on: "array", sizeMiB: 16 }],
      },
    ],
  }),
};

describe("an experiment", () => {
  it("runs each combination with each method, and measures what differs", async () => {
    const result = (await runExperiment(idle, { seeds: [1, 2] }))!;
    expect(result.cells.length).toBe(8);
    const took = (latencyUs: number, method: string): number =>
      result.cells.find(
        (each) => each.setting["latencyUs"] === latencyUs && each.method === method,
      )!.estimates["took"]!.mean;
    expect(took(1_000, "plain")).toBeGreaterThan(took(100, "plain"));
    expect(took(100, "far")).toBeGreaterThan(took(100, "plain") + 4);
    expect(result.cells[0]!.estimates["never"]).toBe(null);
    const provenance = { command: "again", codeVersion: "0123456789abcdef" };
    const html = await renderExperiment(result, provenance);
    expect(html.match(/<svg/g)?.length).toBe(2);
    expect(html).not.toContain("<script");
    expect(await renderExperiment(result, provenance)).toBe(html);
    expect(renderExperimentMarkdown(result, provenance)).toContain("| latencyUs, µs | cores |");
    expect(experimentCsv(result).split("\r\n").length).toBe(10);
  });

  it("ends when it is interrupted", async () => {
    expect(await runExperiment(idle, { seeds: [1], signal: { aborted: true } })).toBe(undefined);
  });

  it("takes other values, and says which there are when they are wrong", () => {
    const changed = withSettings(idle, ["latencyUs=5,7,9", "method=far"]);
    expect(changed.ok && cellsOf(changed.experiment).length).toBe(6);
    const message = (text: string): string => {
      const found = withSettings(idle, [text]);
      return found.ok ? "" : found.message;
    };
    expect(message("latency=5")).toMatch(/no parameter latency; did you mean latencyUs\?/);
    expect(message("latencyUs=fast")).toBe("latencyUs is a number; fast is not");
    expect(message("method=near")).toMatch(/no method near.*plain, far/);
    expect(message("cores=three")).toMatch(/no cores three/);
    expect(message("cores")).toMatch(/expected NAME=VALUE/);
  });

  it("estimates the mean with an interval that covers it 95 times in 100", () => {
    let covered = 0;
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 5, maxLength: 5 }), (values) => {
        const { mean, margin } = estimate(values)!;
        if (Math.abs(mean - 500) <= margin) covered++;
      }),
      { numRuns: 1_000, seed: 1 },
    );
    expect(covered).toBeGreaterThan(880);
  });
});

describe("the experiments there are", () => {
  it.each(experiments.map((each) => [each.name, each] as const))(
    "%s: every cell is a well-formed scenario, one method is no baseline and one is",
    (name, experiment) => {
      for (const { setting, method } of cellsOf(experiment)) {
        const document = experiment.document(setting, method, 1);
        const checked = validateDocument(document as never, { file: name });
        expect(checked.ok ? [] : checked.problems).toEqual([]);
      }
      expect(new Set(experiment.methods.map(({ baseline }) => baseline))).toEqual(
        new Set([true, false]),
      );
    },
  );
});
