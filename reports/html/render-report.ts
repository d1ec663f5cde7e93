/**
 * The report of one or more recorded runs as a single HTML file: no script, no request, the same
 * bytes for the same traces.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import type { OperationSummary } from "../../traces/index.ts";
import { metricCharts } from "../metric-charts.ts";
import type { ReportInput } from "../report-input.ts";
import { reproduceCommand, verdictOf } from "../verdict.ts";
import { timelineChart } from "../timeline-chart.ts";
import { code, figure, ms, section, table, text } from "./markup.ts";
import { STYLE } from "./style.ts";

export async function renderReport(inputs: readonly ReportInput[]): Promise<string> {
  const bodies = await Promise.all(inputs.map(renderRun));
  const names = [...new Set(inputs.map(({ run }) => nameOf(run.trace.header.scenarioJson)))];
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${text(names.join(", "))} · Orrery</title><style>${STYLE}</style></head>\n<body>\n` +
    `${comparison(inputs)}${bodies.join("\n<hr>\n")}\n</body></html>\n`
  );
}

const documentOf = (json: string): ResolvedScenario => JSON.parse(json) as ResolvedScenario;

const nameOf = (json: string): string => documentOf(json).name;

async function renderRun(input: ReportInput): Promise<string> {
  const { run, summary } = input;
  const document = documentOf(run.trace.header.scenarioJson);
  const endNs = Math.max(run.end?.timeNs ?? 0, run.epochs.at(-1)?.timeNs ?? 0, 1);
  const vms = document.vms.map(({ id }) => id);
  const { charts, leftOut } = await metricCharts(summary, vms);
  const charted = charts.map(
    ({ vm, throughput, latency }) =>
      `<h3>${text(vm)}</h3><div class="pair">${figure(`${vm}: requests`, throughput)}` +
      `${figure(`${vm}: latency`, latency)}</div>`,
  );
  const omitted =
    leftOut.length === 0 ? "" : `<small>left out: ${text(leftOut.join(", "))}</small>`;
  const timeline = figure("operations over time", await timelineChart(summary, endNs));
  return [
    heading(input, document),
    section("What happened", timeline, operationTable(summary.operations), happenings(input)),
    section("Violations", violations(input)),
    section("Throughput and latency", ...charted, omitted),
    section("Datacenter", datacenter(document)),
    section("Provenance", provenance(input)),
  ].join("\n");
}

function heading(input: ReportInput, document: ResolvedScenario): string {
  const { run } = input;
  const { word, tone } = verdictOf(input);
  const facts: readonly (readonly [string, string])[] = [
    ["root", code(run.end?.root ?? "unknown")],
    ["seed", text(run.trace.header.seed)],
    ["simulated", ms(run.end?.timeNs ?? 0)],
    ["events", run.lastEvent.toLocaleString("en")],
    ["trace", `${(run.trace.fileBytes / 1024).toFixed(0)} KiB`],
    ["snapshots", String(run.snapshots.length)],
  ];
  const cells = facts.map(([name, value]) => `<div><dt>${text(name)}</dt><dd>${value}</dd></div>`);
  return (
    `<header><h1>${text(document.name)}</h1><p class="lead">${text(document.description)}</p>` +
    `<p><span class="verdict ${tone}">${text(word)}</span></p><dl>${cells.join("")}</dl></header>`
  );
}

function operationTable(operations: readonly OperationSummary[]): string {
  const rows = operations.map(({ id, kind, host, startNs, endNs, outcome, phases }) => [
    text(id),
    text(kind),
    text(host),
    ms(startNs),
    endNs === null ? "–" : ms(endNs - startNs),
    text(outcome),
    phases.map((phase) => `${text(phase.name)} ${ms(phase.endNs - phase.startNs)}`).join(" · "),
  ]);
  const head = ["operation", "kind", "on", "start", "took", "outcome", "phases"];
  return table("Operations and their phases", head, rows);
}

function happenings({ summary }: ReportInput): string {
  const shown = summary.happenings.filter(({ kind }) => kind !== "lifecycle");
  const rows = shown.slice(0, 100).map(({ atNs, event, kind, entity, data }) => [
    ms(atNs),
    `#${event}`,
    text(kind),
    text(entity),
    Object.entries(data)
      .map(([name, value]) => `${text(name)} ${code(JSON.stringify(value))}`)
      .join(" "),
  ]);
  const caption =
    shown.length > 100
      ? `Faults, crashes and losses (first 100 of ${shown.length})`
      : "Faults, crashes and losses";
  return table(caption, ["time", "event", "what", "where", "details"], rows);
}

function violations(input: ReportInput): string {
  const { summary } = input;
  const unreached = input.run.end?.unreached ?? [];
  const rows = summary.violations.map((each) => [
    `<b>${text(each.invariant)}</b><br>${text(each.message)}`,
    text(each.entities.join(", ")),
    `${ms(each.atNs)}<br>#${each.event}`,
    `${code(reproduceCommand(input))}<br>${code(`npx orrery inspect ${input.file} --at '#${each.event}'`)}`,
  ]);
  const head = ["invariant", "entities", "when", "reproduce, and look"];
  const found = table("Broken invariants and expectations", head, rows);
  const none = rows.length === 0 ? "<p>None.</p>" : found;
  if (unreached.length === 0) return none;
  return `${none}<p>Not reached: ${unreached.map((name) => text(name)).join("; ")}.</p>`;
}

function datacenter({ hosts, arrays, links, vms }: ResolvedScenario): string {
  const hostRows = hosts.map(({ id, cores, memoryMiB, clock }) => [
    text(id),
    "host",
    `${cores} cores, ${memoryMiB} MiB, clock ${clock.offsetUs} µs ${clock.driftPpm} ppm`,
  ]);
  const arrayRows = arrays.map(({ id, capacityMiB, writeCacheMiB }) => [
    text(id),
    "array",
    `${capacityMiB} MiB, ${writeCacheMiB} MiB write cache`,
  ]);
  const linkRows = links.map(({ id, bandwidthMbps, latencyUs }) => [
    text(id),
    "link",
    `${bandwidthMbps} Mbit/s, ${latencyUs} µs`,
  ]);
  const vmRows = vms.map(({ id, host, guest, disks }) => [
    text(id),
    `VM on ${text(host)}`,
    `${text(guest.kind)}; ${disks.map((disk) => text(`${disk.id} on ${disk.on}, ${disk.sizeMiB} MiB, ${disk.cacheMode}`)).join("; ")}`,
  ]);
  const rows = [...hostRows, ...arrayRows, ...linkRows, ...vmRows];
  return table("What the run was built of", ["name", "kind", "what"], rows);
}

function provenance(input: ReportInput): string {
  const { header } = input.run.trace;
  const facts: readonly (readonly [string, string])[] = [
    ["trace", code(input.file)],
    ["replay and verify", code(`npx orrery replay ${input.file}`)],
    ["run again", code(reproduceCommand(input))],
    ["code version", code(header.codeVersion)],
    ["scenario, SHA-256", code(header.scenarioHash)],
    ["trace format", String(header.formatVersion)],
    ["log", text(header.extra["log"] ?? "")],
    ["randomness", text(header.extra["entropy"] === "os" ? "operating system" : "seed")],
    ["Node.js", text(header.extra["node"] ?? "")],
    ["ended", text(input.run.end?.outcome ?? "not closed: the run was killed or the file cut")],
  ];
  return table(
    "Where this comes from",
    ["what", "value"],
    facts.map(([name, value]) => [text(name), value]),
  );
}

/** Several runs side by side. */
function comparison(inputs: readonly ReportInput[]): string {
  if (inputs.length < 2) return "";
  const rows = inputs.map((input) => [
    code(input.file),
    text(nameOf(input.run.trace.header.scenarioJson)),
    text(input.run.trace.header.seed),
    code(input.run.end?.root ?? "unknown"),
    input.run.lastEvent.toLocaleString("en"),
    text(verdictOf(input).word),
  ]);
  const head = ["trace", "scenario", "seed", "root", "events", "verdict"];
  return section("Runs compared", table("", head, rows));
}
