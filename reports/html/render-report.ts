/**
 * The report of one or more recorded runs as a single HTML file: no script, no request, the same
 * bytes for the same traces.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import { kindAndVm, type OperationSummary } from "../../traces/index.ts";
import { linkCharts, stealChart } from "../charts/fabric-charts.ts";
import { storageCharts } from "../charts/storage-charts.ts";
import { timeAxis } from "../charts/time-axis.ts";
import { timelineChart } from "../charts/timeline-chart.ts";
import type { ReportInput } from "../report-input.ts";
import { duration, moment } from "../times.ts";
import { reproduceCommand, verdictOf } from "../verdict.ts";
import { code, details, figure, section, table, text, time } from "./markup.ts";
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
  const axis = timeAxis(summary, endNs);
  const timeline = figure("operations over time", await timelineChart(summary, axis));
  return [
    heading(input, document),
    section("What happened", timeline, operationTables(summary), happenings(input)),
    section("Violations", violations(input)),
    await chartSection("VMs: throughput and latency", document.vms.map(idOf), (vm) =>
      storageCharts(summary, (entity) => isRunOf(entity, vm), axis),
    ),
    await chartSection("Arrays and disks", devicesOf(document), (device) =>
      storageCharts(summary, (entity) => entity === device, axis),
    ),
    await chartSection("Links", document.links.map(idOf), (link) =>
      linkCharts(summary, link, axis),
    ),
    await chartSection("Processors", document.hosts.map(idOf), (host) =>
      stealChart(summary, host, axis),
    ),
    section("Datacenter", datacenter(document)),
    section("Provenance", provenance(input)),
  ].join("\n");
}

const idOf = ({ id }: { readonly id: string }): string => id;

/** Runs of a VM, one after the other. */
const isRunOf = (entity: string, vm: string): boolean =>
  entity.startsWith(`${vm}/run-`) && /^\d+$/.test(entity.slice(`${vm}/run-`.length));

const devicesOf = ({ arrays, hosts }: ResolvedScenario): string[] => [
  ...arrays.map(idOf),
  ...hosts.flatMap(({ id, disks }) => disks.map((disk) => `${id}/${disk.id}`)),
];

/** More of a kind than this make a report unreadable; it says what it left out. */
const MOST_CHARTED = 8;

async function chartSection(
  title: string,
  names: readonly string[],
  draw: (name: string) => Promise<readonly string[] | undefined>,
): Promise<string> {
  const parts: string[] = [];
  for (const name of names.slice(0, MOST_CHARTED)) {
    const charts = await draw(name);
    if (charts === undefined) continue;
    const figures = charts.map((svg) => figure(`${title}: ${name}`, svg));
    parts.push(`<h3>${text(name)}</h3><div class="pair">${figures.join("")}</div>`);
  }
  const left = names.slice(MOST_CHARTED);
  if (left.length > 0) parts.push(`<small>left out: ${text(left.join(", "))}</small>`);
  return section(title, ...parts);
}

function heading(input: ReportInput, document: ResolvedScenario): string {
  const { run } = input;
  const { word, tone } = verdictOf(input);
  const facts: readonly (readonly [string, string])[] = [
    ["root", code(run.end?.root ?? "unknown")],
    ["seed", text(run.trace.header.seed)],
    ["simulated", moment(run.end?.timeNs ?? 0)],
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

/** Phases that are listed one by one; of an operation with more, by name: how often, how long in all. */
const MOST_PHASES = 16;

function phasesText(phases: OperationSummary["phases"]): string {
  const lasting = phases.filter((phase) => phase.endNs > phase.startNs);
  if (lasting.length <= MOST_PHASES) {
    return lasting
      .map(({ name, startNs, endNs }) => `${text(name)} ${time(duration(endNs - startNs))}`)
      .join(" · ");
  }
  const byName = new Map<string, { count: number; ns: number }>();
  for (const { name, startNs, endNs } of lasting) {
    const { count, ns } = byName.get(name) ?? { count: 0, ns: 0 };
    byName.set(name, { count: count + 1, ns: ns + endNs - startNs });
  }
  return [...byName]
    .map(
      ([name, { count, ns }]) =>
        `${text(name)}${count > 1 ? ` ${count}×` : ""} ${time(duration(ns))}`,
    )
    .join(" · ");
}

function operationTables({ operations, principal }: ReportInput["summary"]): string {
  const own = new Set(principal);
  const parts = operations.filter((each) => !own.has(each));
  const tables = operationTable("Operations and their phases", principal);
  if (parts.length === 0) return tables;
  const summary = `What operations performed on the way (${parts.length})`;
  return tables + details(summary, operationTable("", parts));
}

function operationTable(caption: string, operations: readonly OperationSummary[]): string {
  const rows = operations.map((operation) => [
    text(operation.id),
    text(kindAndVm(operation)),
    text(operation.host),
    time(moment(operation.startNs)),
    operation.endNs === null ? "–" : time(duration(operation.endNs - operation.startNs)),
    text(operation.outcome),
    phasesText(operation.phases),
  ]);
  const head = ["operation", "kind", "on", "start", "took", "outcome", "phases"];
  return table(caption, head, rows);
}

function happenings({ summary }: ReportInput): string {
  const shown = summary.happenings.filter(({ kind }) => kind !== "lifecycle");
  const rows = shown.slice(0, 100).map(({ atNs, event, kind, entity, data }) => [
    time(moment(atNs)),
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
    `${time(moment(each.atNs))}<br>#${each.event}`,
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
