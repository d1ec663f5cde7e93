/**
 * Where crashes go: every durable step of a run while an operation is under way, and which domains
 * are lost there: those that the operations run in, and the one in which something became durable.
 */
import type { Notice, World } from "../../core/kernel/index.ts";
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import { runDocument } from "../explorer/run-document.ts";

export interface CrashPoint {
  /** Number of the durable step, in the run. */
  readonly step: number;
  readonly label: string;
  /** Operations under way, with their phases. */
  readonly during: readonly string[];
  readonly domains: readonly string[];
}

/** The points of a document's run from durable step `after` on. */
export function crashPoints(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  after = 0,
): readonly CrashPoint[] {
  const finder = new PointFinder(after);
  runDocument(scenario, document, { watch: (notice, world) => finder.note(notice, world) });
  return finder.points;
}

interface Running {
  readonly kind: string;
  readonly host: string;
  phase: string;
}

class PointFinder {
  readonly points: CrashPoint[] = [];
  readonly #after: number;
  readonly #running = new Map<string, Running>();

  constructor(after: number) {
    this.#after = after;
  }

  note({ kind, data, entity }: Notice, world: World): void {
    const id = String(data["id"]);
    if (kind === "operation") {
      this.#running.set(id, { kind: String(data["kind"]), host: String(data["host"]), phase: "" });
    } else if (kind === "phase") {
      const running = this.#running.get(id);
      if (running !== undefined) running.phase = String(data["phase"]);
    } else if (kind === "operation-end") {
      this.#running.delete(id);
    } else if (kind === "durable") {
      this.#add(Number(data["step"]), String(data["label"]), entity, world);
    }
  }

  #add(step: number, label: string, entity: string, world: World): void {
    if (step <= this.#after || this.#running.size === 0) return;
    const running = [...this.#running.values()];
    const names = [entity, ...running.map(({ host }) => host)];
    const domains = names
      .map((name) => world.registry.domain(world.named(name).domain).name)
      .filter((domain) => domain !== "driver" && domain !== "outside");
    this.points.push({
      step,
      label,
      during: running.map(({ kind, phase }) => `${kind}.${phase}`),
      domains: [...new Set(domains)],
    });
  }
}
