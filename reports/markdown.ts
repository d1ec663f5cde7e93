/** The report as Markdown: the same facts, without charts. */
import type { ReportInput } from "./report-input.ts";
import { duration, moment } from "./times.ts";
import { reproduceCommand, verdictOf } from "./verdict.ts";

const cell = (value: unknown): string =>
  String(value).replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("<", "&lt;");

const row = (cells: readonly unknown[]): string => `| ${cells.map(cell).join(" | ")} |`;

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

export function renderMarkdown(inputs: readonly ReportInput[]): string {
  return `${inputs.map(renderRun).join("\n\n---\n\n")}\n`;
}

function renderRun(input: ReportInput): string {
  const { run, summary, file } = input;
  const { header } = run.trace;
  const { name, description } = JSON.parse(header.scenarioJson) as {
    readonly name: string;
    readonly description: string;
  };
  const operations = summary.operations.map(({ id, kind, host, startNs, endNs, outcome }) => [
    id,
    kind,
    host,
    moment(startNs),
    endNs === null ? "" : duration(endNs - startNs),
    outcome,
  ]);
  const violations = summary.violations.map((each) => [
    each.invariant,
    each.message,
    each.entities.join(", "),
    `#${each.event}`,
  ]);
  return [
    `# ${cell(name)}`,
    cell(description),
    `**${verdictOf(input).word}**: root \`${run.end?.root ?? "unknown"}\`, seed ${cell(header.seed)}, ${run.lastEvent} events`,
    "## Operations",
    table(["operation", "kind", "on", "start", "took", "outcome"], operations),
    "## Violations",
    violations.length === 0
      ? "None."
      : table(["invariant", "message", "entities", "event"], violations),
    "## Provenance",
    `Trace \`${cell(file)}\`, code version \`${header.codeVersion}\`, scenario \`${header.scenarioHash}\`.`,
    `Run again: \`${cell(reproduceCommand(input))}\``,
  ].join("\n\n");
}
