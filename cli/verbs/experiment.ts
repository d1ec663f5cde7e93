/** `orrery experiment`: a parameter sweep over a mechanism and its baselines; table and charts. */
import { writeFile } from "node:fs/promises";
import type { Experiment, ExperimentResult } from "../../reports/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseCount, type Verb, verb } from "../verb.ts";

interface Flags {
  readonly set?: readonly string[];
  readonly seeds?: number;
  readonly out?: string;
}

const DEFAULT_SEEDS = 5;

export const experiment: Verb = verb<readonly [string | undefined], Flags>({
  name: "experiment",
  describe: "run a parameter sweep with baselines; a table, charts, and the numbers",
  arguments: [{ syntax: "[name]", describe: "the experiment; none: what there is" }],
  options: [
    {
      flags: "--set <name=values>",
      describe: "values of a parameter, or methods: intensity=1,2,4 method=mirror",
      repeatable: true,
    },
    {
      flags: "--seeds <n>",
      describe: `runs of each combination, with seeds 1 to n (default: ${DEFAULT_SEEDS})`,
      parse: parseCount,
    },
    {
      flags: "-o, --out <file>",
      describe: "report file, .html, .md or .csv (default: NAME.html)",
    },
  ],
  examples: [
    { command: "orrery experiment", describe: "Lists the experiments, parameters and methods." },
    { command: "orrery experiment consolidation", describe: "All of it, as HTML." },
    {
      command: "orrery experiment consolidation --set intensity=1,8 --seeds 10 -o merge.csv",
      describe: "A part of the sweep, with more seeds, as numbers.",
    },
  ],
  output: {
    type: "object",
    properties: {
      experiments: {
        type: "array",
        description: "Without a name: {name, describe, parameters, methods, measures}.",
        items: { type: "object" },
      },
      experiment: { type: "string" },
      report: { type: "string", description: "The file that was written." },
      seeds: { type: "array", items: { type: "integer" } },
      cells: {
        type: "array",
        description:
          "{setting, method, estimates{measure: {mean, margin, runs} or null}, violations}; the " +
          "margin is half the 95 % interval.",
        items: { type: "object" },
      },
      compared: {
        type: "array",
        description:
          "Where something is published: {setting, method, what, published, predicted, ratio}.",
        items: { type: "object" },
      },
    },
  },
  async run(context, [name], { set = [], seeds = DEFAULT_SEEDS, out }) {
    const reports = await import("../../reports/index.ts");
    const { experiments } = reports;
    if (name === undefined) return list(context, experiments);
    const found = experiments.find((each) => each.name === name);
    if (found === undefined) return unknown(context, name, experiments);
    const changed = reports.withSettings(found, set);
    if (!changed.ok) return context.usage(changed.message);
    if (seeds < 1) return context.usage("--seeds: expected at least 1");
    const file = out ?? `${name}.html`;
    if (!/\.(html|md|csv)$/.test(file)) {
      return context.usage(`${file}: expected a file that ends in .html, .md or .csv`);
    }
    let result: ExperimentResult | undefined;
    try {
      result = await reports.runExperiment(changed.experiment, {
        seeds: Array.from({ length: seeds }, (_, i) => i + 1),
        signal: context.signal,
        onProgress: (done, total) => context.progress.update(`${name}: ${done} of ${total} runs`),
      });
    } catch (error) {
      if (error instanceof reports.ExperimentError) return context.usage(error.message);
      throw error;
    }
    if (result === undefined) return EXIT.interrupted;
    const command = ["npx orrery experiment", name, ...set.map((each) => `--set ${each}`)];
    return finish(context, result, file, [...command, `--seeds ${seeds}`].join(" "));
  },
});

async function finish(
  context: Context,
  result: ExperimentResult,
  file: string,
  command: string,
): Promise<ExitCode> {
  const reports = await import("../../reports/index.ts");
  const { codeVersion } = await import("../../traces/index.ts");
  const provenance = { command, codeVersion: codeVersion() };
  const content = file.endsWith(".csv")
    ? reports.experimentCsv(result)
    : file.endsWith(".md")
      ? reports.renderExperimentMarkdown(result, provenance)
      : await reports.renderExperiment(result, provenance);
  try {
    await writeFile(file, content);
  } catch (error) {
    return context.missing(`${file} cannot be written: ${(error as Error).message}`);
  }
  const { experiment: about, cells, seeds } = result;
  const compared = reports.comparedFigures(result);
  context.print(reports.experimentTable(result));
  context.print(`report ${file}`);
  context.result({
    experiment: about.name,
    report: file,
    seeds,
    cells,
    ...(compared.length > 0 && { compared }),
  });
  const broken = cells.some(({ violations }) => Object.keys(violations).length > 0);
  return broken ? EXIT.violation : EXIT.fine;
}

function list(context: Context, experiments: readonly Experiment[]): ExitCode {
  for (const { name, describe, parameters, methods } of experiments) {
    context.print(`${name}: ${describe}`);
    for (const each of parameters) {
      context.print(`    ${each.name}: ${each.describe} (${each.values.join(", ")})`);
    }
    const words = methods.map((each) => `${each.name}${each.baseline ? " (baseline)" : ""}`);
    context.print(`    methods: ${words.join(", ")}`);
  }
  context.result({
    experiments: experiments.map(({ name, describe, parameters, methods, measures }) => ({
      name,
      describe,
      parameters,
      methods,
      measures: measures.map((each) => ({ name: each.name, unit: each.unit })),
    })),
  });
  return EXIT.fine;
}

async function unknown(
  context: Context,
  name: string,
  experiments: readonly Experiment[],
): Promise<ExitCode> {
  const { closest } = await import("../../scenarios/index.ts");
  const known = experiments.map((each) => each.name);
  const meant = closest(name, known);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  return context.usage(`no experiment is named ${name}${hint} (one of ${known.join(", ")})`);
}
