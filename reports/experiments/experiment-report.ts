/** An experiment's result as a self-contained HTML page, as Markdown, and as CSV. */
import { code, figure, section, table, text } from "../html/markup.ts";
import { STYLE } from "../html/style.ts";
import { experimentCharts } from "./experiment-charts.ts";
import { comparedFigures, comparedSeries, type ComparedSeries } from "./held-against.ts";
import { seriesChart } from "./series-charts.ts";
import type { Measure } from "./experiment.ts";
import { type CellResult, type ExperimentResult, settingText } from "./run-experiment.ts";

/** Where a result comes from: what a reader needs to get it again. */
export interface Provenance {
  readonly command: string;
  readonly codeVersion: string;
}

export async function renderExperiment(
  result: ExperimentResult,
  provenance: Provenance,
): Promise<string> {
  const { experiment } = result;
  const groups = await experimentCharts(result);
  const drawn = groups.filter(({ charts }) => charts.length > 0);
  const charted = drawn.map(({ setting, charts }) => {
    const figures = charts.map(({ title, svg }) => figure(title, svg)).join("");
    const head = Object.keys(setting).length === 0 ? "" : `<h3>${text(settingText(setting))}</h3>`;
    return `${head}<div class="pair">${figures}</div>`;
  });
  const methods = experiment.methods.map(({ name, describe, baseline }) => [
    `<b>${text(name)}</b>${baseline ? " (baseline)" : ""}`,
    text(describe),
  ]);
  const seeds = `${result.seeds.length} ${result.seeds.length === 1 ? "seed" : "seeds"}`;
  const legend = `<small>Mean of ${seeds}; bars: its 95 % interval.</small>`;
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${text(experiment.name)} · Orrery</title><style>${STYLE}</style></head>\n<body>\n` +
    `<header><h1>${text(experiment.describe)}</h1>` +
    `<p class="lead">${text(experiment.question)}</p></header>\n` +
    [
      section("Methods", table("", ["method", "what it does"], methods)),
      section("Held against what is published", ...(await heldAgainst(result))),
      section("Charts", ...charted, charted.length === 0 ? "" : legend),
      section("Figures", table("", headOf(result), rowsOf(result, text))),
      section("Violations", violationsOf(result)),
      section(
        "Provenance",
        table(
          "",
          ["what", "value"],
          [
            ["again", code(provenance.command)],
            ["code version", code(provenance.codeVersion)],
            ["seeds", text(result.seeds.join(", "))],
          ],
        ),
      ),
    ].join("\n") +
    `\n</body></html>\n`
  );
}

/** Figures with their ratios, then each cell's series as a table and as charts side by side. */
async function heldAgainst(result: ExperimentResult): Promise<readonly string[]> {
  const { remarks = [], series, parameters } = result.experiment;
  const compared = comparedFigures(result);
  if (compared.length === 0) return [];
  const step = series?.step ?? "";
  const parts = remarks.map((remark) => `<p class="remark">${text(remark)}</p>`);
  const names = parameters.map(({ name }) => name);
  parts.push(table("", [...names, ...COMPARED_HEAD], comparedRows(result, text)));
  for (const { title, series: own } of comparedSeries(result)) {
    if (own.every(({ steps }) => steps.every(({ published }) => published === undefined))) continue;
    const charts = await Promise.all(own.map((each) => seriesChart(each, step)));
    const figures = charts.map((svg, at) => figure(own[at]!.describe, svg)).join("");
    parts.push(`<h3>${text(title)}</h3><div class="pair">${figures}</div>`);
    parts.push(table("", seriesHead(own, step), seriesRows(own)));
  }
  return parts;
}

const COMPARED_HEAD = ["method", "measure", "published", "predicted", "published / predicted"];

function comparedRows(
  result: ExperimentResult,
  escape: (value: unknown) => string,
): readonly (readonly string[])[] {
  return comparedFigures(result).map((each) => [
    ...Object.values(each.setting).map(escape),
    escape(each.method),
    escape(`${each.what}, ${each.unit}`),
    rounded(each.published),
    rounded(each.predicted),
    each.ratio.toFixed(2),
  ]);
}

const seriesHead = (series: readonly ComparedSeries[], step: string): readonly string[] => [
  step,
  ...series.flatMap(({ describe, unit, publishedAs }) => [
    `${describe}, ${unit}: ${publishedAs}`,
    "predicted",
    "ratio",
  ]),
];

/** Steps are those of the longest; a side that has ended shows a dash. */
function seriesRows(series: readonly ComparedSeries[]): readonly (readonly string[])[] {
  const length = Math.max(...series.map(({ steps }) => steps.length));
  return Array.from({ length }, (_, at) => [
    String(at + 1),
    ...series.flatMap(({ steps }) => {
      const { published, predicted } = steps[at] ?? { published: undefined, predicted: undefined };
      const isBoth = published !== undefined && predicted !== undefined;
      return [
        published === undefined ? "–" : rounded(published),
        predicted === undefined ? "–" : rounded(predicted),
        isBoth ? (published / predicted).toFixed(2) : "–",
      ];
    }),
  ]);
}

export function renderExperimentMarkdown(
  result: ExperimentResult,
  { command, codeVersion }: Provenance,
): string {
  const { experiment } = result;
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const head = headOf(result);
  const rows = rowsOf(result, (value) => String(value).replaceAll("|", "\\|"));
  return [
    `# ${experiment.describe}`,
    experiment.question,
    ...comparedMarkdown(result, line),
    [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"),
    `Mean of ${result.seeds.length} seeds ± half the 95 % interval. Again: \`${command}\`; code version \`${codeVersion}\`.`,
    "",
  ].join("\n\n");
}

function comparedMarkdown(
  result: ExperimentResult,
  line: (cells: readonly string[]) => string,
): readonly string[] {
  const { remarks = [], parameters } = result.experiment;
  const rows = comparedRows(result, (value) => String(value).replaceAll("|", "\\|"));
  if (rows.length === 0) return [];
  const head = [...parameters.map(({ name }) => name), ...COMPARED_HEAD];
  return [...remarks, [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")];
}

/** One row a cell and measure, exact numbers: for other tools. RFC 4180. */
export function experimentCsv({ experiment, cells }: ExperimentResult): string {
  const parameters = experiment.parameters.map(({ name }) => name);
  const lines = [[...parameters, "method", "measure", "unit", "mean", "margin", "runs"].join(",")];
  for (const { setting, method, estimates } of cells) {
    for (const { name, unit } of experiment.measures) {
      const found = estimates[name];
      if (!found) continue;
      const values = parameters.map((each) => setting[each]!);
      lines.push([...values, method, name, unit, found.mean, found.margin, found.runs].join(","));
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** The figures as lines of text, for a terminal; then those that are published, with ratios. */
export function experimentTable(result: ExperimentResult): string {
  const figures = aligned([headOf(result), ...rowsOf(result, String)]);
  const compared = comparedRows(result, String);
  if (compared.length === 0) return figures;
  const names = result.experiment.parameters.map(({ name }) => name);
  return `${figures}\n\n${aligned([[...names, ...COMPARED_HEAD], ...compared])}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

function headOf({ experiment }: ExperimentResult): readonly string[] {
  const { parameters, measures } = experiment;
  const names = parameters.map(({ name, unit }) =>
    unit === undefined ? name : `${name}, ${unit}`,
  );
  return [...names, "method", ...measures.map(({ describe, unit }) => `${describe}, ${unit}`)];
}

function rowsOf(
  { experiment, cells }: ExperimentResult,
  escape: (value: unknown) => string,
): readonly (readonly string[])[] {
  return cells.map((cell) => [
    ...experiment.parameters.map(({ name }) => escape(cell.setting[name])),
    escape(cell.method),
    ...experiment.measures.map((measure) => escape(shown(cell, measure))),
  ]);
}

/** Three digits of the mean; the interval where there is one. */
function shown({ estimates }: CellResult, { name }: Measure): string {
  const found = estimates[name];
  if (!found) return "–";
  const { mean, margin } = found;
  return margin === 0 ? rounded(mean) : `${rounded(mean)} ± ${rounded(margin)}`;
}

const rounded = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });

function violationsOf({ cells }: ExperimentResult): string {
  const rows = cells.flatMap(({ setting, method, violations }) =>
    Object.entries(violations).map(([invariant, times]) => [
      text(settingText(setting)),
      text(method),
      text(invariant),
      String(times),
    ]),
  );
  if (rows.length === 0) return "<p>None.</p>";
  return table("", ["setting", "method", "invariant", "runs"], rows);
}
