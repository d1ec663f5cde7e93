/** An experiment's result as a self-contained HTML page, as Markdown, and as CSV. */
import { code, figure, section, table, text } from "../html/markup.ts";
import { STYLE } from "../html/style.ts";
import { experimentCharts } from "./experiment-charts.ts";
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
  const charted = groups.map(({ setting, charts }) => {
    const figures = charts.map(({ title, svg }) => figure(title, svg)).join("");
    const head = Object.keys(setting).length === 0 ? "" : `<h3>${text(settingText(setting))}</h3>`;
    return `${head}<div class="pair">${figures}</div>`;
  });
  const methods = experiment.methods.map(({ name, describe, baseline }) => [
    `<b>${text(name)}</b>${baseline ? " (baseline)" : ""}`,
    text(describe),
  ]);
  const seeds = `${result.seeds.length} ${result.seeds.length === 1 ? "seed" : "seeds"}`;
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${text(experiment.name)} · Orrery</title><style>${STYLE}</style></head>\n<body>\n` +
    `<header><h1>${text(experiment.describe)}</h1>` +
    `<p class="lead">${text(experiment.question)}</p></header>\n` +
    [
      section("Methods", table("", ["method", "what it does"], methods)),
      section("Charts", ...charted, `<small>Mean of ${seeds}; bars: its 95 % interval.</small>`),
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
    [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"),
    `Mean of ${result.seeds.length} seeds ± half the 95 % interval. Again: \`${command}\`; code version \`${codeVersion}\`.`,
    "",
  ].join("\n\n");
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

/** The figures as lines of text, for a terminal. */
export function experimentTable(result: ExperimentResult): string {
  const rows = [headOf(result), ...rowsOf(result, String)];
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
  const round = (value: number): string => {
    const digits = Number(value.toPrecision(3));
    return digits.toLocaleString("en", { maximumFractionDigits: 6 });
  };
  return found.margin === 0 ? round(found.mean) : `${round(found.mean)} ± ${round(found.margin)}`;
}

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
