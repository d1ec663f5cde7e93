/**
 * What a run covered: the states that a search should reach, and the cells of the table (phase of an
 * operation x kind of fault x phase of another operation at that moment). Told by notices alone.
 */
import type { Notice } from "../../core/kernel/index.ts";

/** Kinds of notice that it is told by. */
export const TELLING: readonly string[] = ["operation", "phase", "operation-end", "fault"];

/** The cell's parts, in words: `snapshot.flush | crash | consolidate.copy`; `-` for none. */
export const cellOf = (phase: string, fault: string, other: string): string =>
  `${phase} | ${fault} | ${other}`;

/** The kind of an entry of a timeline, and how it ended: `snapshot complete`. */
export const outcomeName = (kind: string, outcome: string): string => `${kind} ${outcome}`;

interface Running {
  readonly kind: string;
  phase: string;
}

/** An operation and one that is a phase of it, by their ids. */
const isPartOf = (a: string, b: string): boolean => a.startsWith(`${b}.`) || b.startsWith(`${a}.`);

export class Coverage {
  /** Each with the event that filled it first. */
  readonly cells = new Map<string, number>();
  /** `kind.phase` with the event in which it was first entered. */
  readonly entered = new Map<string, number>();
  /** When the last operation, fault or phase was. */
  busyNs = 0;
  /** Phase in which an operation of this kind was last cut short. */
  readonly #cut = new Map<string, string>();
  #lastCut = "";
  readonly #running = new Map<string, Running>();
  /** How operations ended, by their ids; of one that began more than once the last time. */
  readonly #ended = new Map<string, string>();

  /** Phases of each kind of operation, in the order in which they were first seen. */
  get phases(): ReadonlyMap<string, ReadonlySet<string>> {
    const phases = new Map<string, Set<string>>();
    for (const name of this.entered.keys()) {
      const dot = name.indexOf(".");
      const [kind, phase] = [name.slice(0, dot), name.slice(dot + 1)];
      const seen = phases.get(kind);
      if (seen === undefined) phases.set(kind, new Set([phase]));
      else seen.add(phase);
    }
    return phases;
  }

  /** The same so far, to go on from here more than once. */
  copy(): Coverage {
    const copy = new Coverage();
    for (const [cell, event] of this.cells) copy.cells.set(cell, event);
    for (const [phase, event] of this.entered) copy.entered.set(phase, event);
    for (const [id, running] of this.#running) copy.#running.set(id, { ...running });
    for (const [kind, phase] of this.#cut) copy.#cut.set(kind, phase);
    for (const [id, outcome] of this.#ended) copy.#ended.set(id, outcome);
    copy.#lastCut = this.#lastCut;
    copy.busyNs = this.busyNs;
    return copy;
  }

  note({ kind, data, timeNs, event }: Notice): void {
    switch (kind) {
      case "operation":
        this.#running.set(String(data["id"]), { kind: String(data["kind"]), phase: "" });
        return;
      case "phase":
        this.busyNs = timeNs;
        return this.#enter(String(data["id"]), String(data["phase"]), event);
      case "operation-end":
        return this.#end(String(data["id"]), String(data["outcome"]));
      case "fault":
        this.busyNs = timeNs;
        return this.#strike(String(data["fault"]), event);
    }
  }

  /** How an operation ended; undefined when it never began. */
  outcomeOf(id: string): string | undefined {
    return this.#running.has(id) ? "running" : this.#ended.get(id);
  }

  /** Where a violation of this mechanism is put: the phase that it came in, or was left by. */
  placeOf(mechanism: string): string {
    for (const { kind, phase } of this.#running.values()) {
      if (kind === mechanism) return `${kind}.${phase}`;
    }
    const first = [...this.#running.values()].at(-1);
    const running = first === undefined ? "" : `${first.kind}.${first.phase}`;
    return this.#cut.get(mechanism) ?? (this.#lastCut || running);
  }

  #enter(id: string, phase: string, event: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.phase = phase;
    const name = `${running.kind}.${phase}`;
    if (!this.entered.has(name)) this.entered.set(name, event);
  }

  #end(id: string, outcome: string): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    this.#ended.set(id, outcome);
    if (running === undefined || outcome === "complete") return;
    this.#lastCut = `${running.kind}.${running.phase}`;
    this.#cut.set(running.kind, this.#lastCut);
  }

  #strike(fault: string, event: number): void {
    const running = [...this.#running];
    for (const [id, { kind, phase }] of running) {
      const others = running.filter(([other]) => other !== id && !isPartOf(id, other));
      const names = others.map(([, other]) => `${other.kind}.${other.phase}`);
      for (const other of names.length === 0 ? ["-"] : new Set(names)) {
        const cell = cellOf(`${kind}.${phase}`, fault, other);
        if (!this.cells.has(cell)) this.cells.set(cell, event);
      }
    }
  }
}
