/** A run's summary as text for other tools: CSV of metrics, trace events for Perfetto. */
import type { RunSummary } from "../../traces/index.ts";

const COLUMNS = "entity,series,fromNs,toNs,count,sum,min,max,p50,p99";

/** RFC 4180, one row for each series and interval. */
export function metricsCsv({ metrics }: RunSummary): string {
  const rows = [...metrics.values()].flatMap(({ entity, series, points }) =>
    points.map(({ fromNs, toNs, count, sum, min, max, p50, p99 }) =>
      [quoted(entity), quoted(series), fromNs, toNs, count, sum, min, max, p50, p99].join(","),
    ),
  );
  return [COLUMNS, ...rows, ""].join("\r\n");
}

const quoted = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Chrome's trace event format; times in microseconds of simulated time. */
export function perfettoJson({ operations, happenings, metrics }: RunSummary): string {
  const processes = new Map<string, number>();
  const pidOf = (name: string): number => {
    const known = processes.get(name) ?? processes.size + 1;
    processes.set(name, known);
    return known;
  };
  const events: object[] = [];
  operations.forEach(({ id, kind, host, startNs, endNs, outcome, figures, phases }, i) => {
    const place = { pid: pidOf(host), tid: i + 1 };
    const name = `${kind} ${id}`;
    events.push({ ph: "M", name: "thread_name", ...place, args: { name } });
    const args = { outcome, ...figures };
    events.push({ ph: "X", name, cat: kind, ...place, ...span(startNs, endNs ?? startNs), args });
    for (const phase of phases) {
      const times = span(phase.startNs, phase.endNs);
      events.push({ ph: "X", name: phase.name, cat: "phase", ...place, ...times });
    }
  });
  for (const { kind, atNs, entity, data } of happenings) {
    const place = { pid: pidOf(entity), tid: 0 };
    events.push({ ph: "i", s: "g", name: kind, ...place, ts: atNs / 1_000, args: data });
  }
  for (const { entity, series, points } of metrics.values()) {
    for (const { fromNs, sum, count } of points) {
      const args = { mean: sum / count };
      events.push({ ph: "C", name: series, pid: pidOf(entity), ts: fromNs / 1_000, args });
    }
  }
  for (const [name, pid] of processes) {
    events.push({ ph: "M", name: "process_name", pid, args: { name } });
  }
  return JSON.stringify({ displayTimeUnit: "ns", traceEvents: events });
}

const span = (startNs: number, endNs: number): object => ({
  ts: startNs / 1_000,
  dur: (endNs - startNs) / 1_000,
});
