/**
 * What happened in a run, gathered from its notices: operations with their phases, faults, crashes,
 * violations, metrics. The same from a live run, from a replay, and from a trace.
 */
import type { MetricPoint, Plain, PlainObject, Violation } from "../core/kernel/index.ts";
import { KEPT_NOTICES, type NoticeRow } from "./trace-chunks.ts";

export type PhaseSpan = {
  readonly name: string;
  readonly startNs: number;
  endNs: number;
};

export type OperationSummary = {
  readonly id: string;
  readonly kind: string;
  readonly vm: string | null;
  readonly host: string;
  readonly phases: PhaseSpan[];
  readonly startNs: number;
  endNs: number | null;
  /** `running` while it has not ended. */
  outcome: string;
  figures: PlainObject;
  detail: Plain;
};

export type HappeningSummary = {
  readonly kind: string;
  readonly atNs: number;
  readonly event: number;
  readonly entity: string;
  readonly data: PlainObject;
};

export type MetricSeries = {
  readonly entity: string;
  readonly series: string;
  readonly points: MetricPoint[];
};

export class RunSummary {
  readonly operations: OperationSummary[] = [];
  /** Faults, crashes, restarts, losses, lifecycle events, in order. */
  readonly happenings: HappeningSummary[] = [];
  readonly violations: Violation[] = [];
  readonly metrics = new Map<string, MetricSeries>();
  readonly #open = new Map<string, OperationSummary>();

  /** The summary of a trace's notices. */
  static of(notices: Iterable<NoticeRow>): RunSummary {
    const summary = new RunSummary();
    for (const notice of notices) summary.add(notice);
    return summary;
  }

  /**
   * Operations in their own right: not those that another performs, whose id they extend (`ID.KIND`),
   * unless that one is of a host and they are of a VM: what an evacuation does are migrations.
   */
  get principal(): readonly OperationSummary[] {
    const byId = new Map(this.operations.map((each) => [each.id, each]));
    return this.operations.filter((each) => {
      const performer = performerOf(each.id, byId);
      return performer === undefined || (performer.vm === null && each.vm !== null);
    });
  }

  add([event, atNs, entity, kind, data]: NoticeRow): void {
    switch (kind) {
      case "operation":
        return this.#begin(atNs, data);
      case "phase":
        return this.#phase(atNs, data);
      case "operation-end":
        return this.#end(atNs, data);
      case "violation":
        this.violations.push(data as unknown as Violation);
        return;
      case "metric":
        return this.#metric(entity, data as unknown as MetricPoint);
      default:
        if (KEPT_NOTICES.has(kind)) this.happenings.push({ kind, atNs, event, entity, data });
    }
  }

  #begin(startNs: number, data: PlainObject): void {
    const operation: OperationSummary = {
      id: data["id"] as string,
      kind: data["kind"] as string,
      vm: data["vm"] as string | null,
      host: data["host"] as string,
      phases: [],
      startNs,
      endNs: null,
      outcome: "running",
      figures: {},
      detail: null,
    };
    this.operations.push(operation);
    this.#open.set(operation.id, operation);
  }

  #phase(startNs: number, data: PlainObject): void {
    const operation = this.#open.get(data["id"] as string);
    if (operation === undefined) return;
    const last = operation.phases.at(-1);
    if (last !== undefined) last.endNs = startNs;
    operation.phases.push({ name: data["phase"] as string, startNs, endNs: startNs });
  }

  #end(endNs: number, data: PlainObject): void {
    const operation = this.#open.get(data["id"] as string);
    if (operation === undefined) return;
    this.#open.delete(operation.id);
    const last = operation.phases.at(-1);
    if (last !== undefined) last.endNs = endNs;
    operation.endNs = endNs;
    operation.outcome = data["outcome"] as string;
    operation.figures = data["figures"] as PlainObject;
    operation.detail = data["detail"] ?? null;
  }

  #metric(entity: string, point: MetricPoint): void {
    const key = `${entity} ${point.series}`;
    const known = this.metrics.get(key) ?? { entity, series: point.series, points: [] };
    known.points.push(point);
    this.metrics.set(key, known);
  }
}

/** The kind, with the VM where the id says nothing of it: `migrate ledger`. */
export function kindAndVm({ id, kind, vm }: OperationSummary): string {
  return vm === null || id.split(/[^\w]/).includes(vm) ? kind : `${kind} ${vm}`;
}

/** The operation that performs the one named `id`: of the longest part of it before a dot. */
function performerOf(
  id: string,
  byId: ReadonlyMap<string, OperationSummary>,
): OperationSummary | undefined {
  for (let end = id.lastIndexOf("."); end > 0; end = id.lastIndexOf(".", end - 1)) {
    const performer = byId.get(id.slice(0, end));
    if (performer !== undefined) return performer;
  }
  return undefined;
}
