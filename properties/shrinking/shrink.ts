/**
 * Makes a document that breaks an invariant as small as it gets while the same invariant breaks in
 * the same mechanism (delta debugging: Zeller and Hildebrandt, TSE 28(2), 2002; here over a tree).
 * Must hold: the result breaks it, and unless the search was cut short every single thing that
 * could still be taken away was tried, and without it nothing broke.
 */
import {
  type JsonValue,
  type ReadyScenario,
  type ResolvedScenario,
  validateDocument,
} from "../../scenarios/index.ts";
import { vocabularyOf, withoutDangling } from "../arbitraries/references.ts";
import { ENDLESS, type FoundViolation, runDocument } from "../explorer/run-document.ts";
import { plainDocument } from "./plain-document.ts";
import { groups, type Reduction, removals, simplerNumbers } from "./reductions.ts";

export interface ShrinkOptions {
  readonly invariant: string;
  readonly mechanism: string;
  /** Runs to be spent at most. */
  readonly mostRuns: number;
  readonly isStopped?: () => boolean;
  readonly onProgress?: (runs: number, size: number) => void;
}

export interface Shrunk {
  /** As a person would write it. */
  readonly document: JsonValue;
  readonly resolved: ResolvedScenario;
  readonly violation: FoundViolation;
  readonly runs: number;
  /** Removals from the result that were tried, all without the violation. */
  readonly necessary: number;
  /** Everything was tried; false when the search was cut short. */
  readonly isMinimal: boolean;
}

interface Candidate {
  readonly resolved: ResolvedScenario;
  readonly violation: FoundViolation;
  /** Of the whole run: a smaller document with a longer run is no gain. */
  readonly events: number;
}

/** A default may be a heavier load than what stood there: so much longer a run may get. */
const LONGER = 1.25;
const EVENTS_TO_SPARE = 200;

/** Undefined when the document does not break the invariant at all. */
export async function shrinkDocument(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  options: ShrinkOptions,
): Promise<Shrunk | undefined> {
  return new Shrinker(scenario, options).shrink(document);
}

class Shrinker {
  readonly #scenario: ReadyScenario;
  readonly #options: ShrinkOptions;
  readonly #tried = new Set<string>();
  #runs = 0;
  #mostEvents = Infinity;
  /** The violation needs no fault from the start. */
  #isFaultless = true;

  constructor(scenario: ReadyScenario, options: ShrinkOptions) {
    this.#scenario = scenario;
    this.#options = options;
  }

  async shrink(document: ResolvedScenario): Promise<Shrunk | undefined> {
    const extensions = this.#scenario.own.mechanisms;
    let best = this.#run(document);
    if (best === undefined) return undefined;
    this.#isFaultless = this.#run({ ...document, faults: [] }) !== undefined;
    this.#limitEvents(best);
    const isExpectation = this.#options.mechanism === "expectation";
    if (!isExpectation) best = this.#endingEarly(best) ?? best;
    this.#limitEvents(best);
    let plain = plainDocument(best.resolved, extensions);
    let necessary = 0;
    for (;;) {
      const before = plain;
      // What an expectation waits for takes its time, and a fault that is mended is one that is.
      for (const ways of isExpectation ? [groups] : [groups, removals, simplerNumbers]) {
        const smaller = await this.#reduce(plain, best, ways);
        if (smaller.best !== best) plain = plainDocument(smaller.best.resolved, extensions);
        best = smaller.best;
        if (ways === removals) necessary = smaller.failed;
      }
      if (plain === before || this.#isOver()) break;
    }
    const isMinimal = !this.#isOver();
    const { resolved, violation } = best;
    return { document: plain, resolved, violation, runs: this.#runs, necessary, isMinimal };
  }

  /** Nothing after the violation matters for it. */
  #endingEarly({ resolved, violation }: Candidate): Candidate | undefined {
    const durationMs = Math.ceil(violation.atNs / 1e6) + 1;
    return durationMs < resolved.durationMs ? this.#try({ ...resolved, durationMs }) : undefined;
  }

  /** Takes what still breaks, again and again, until nothing does. */
  async #reduce(
    plain: JsonValue,
    best: Candidate,
    ways: (document: JsonValue) => Generator<Reduction>,
  ): Promise<{ readonly best: Candidate; readonly failed: number }> {
    let [document, found] = [plain, best];
    // What was tried before a success is tried again only when the rest has been.
    let position = 0;
    for (;;) {
      const from = position;
      let failed = 0;
      let place = 0;
      let isSmaller = false;
      for (const { document: smaller } of ways(document)) {
        if (place++ < from) continue;
        if (this.#isOver()) return { best: found, failed };
        const candidate = this.#try(smaller);
        await this.#turn(document);
        if (candidate === undefined) {
          failed++;
          continue;
        }
        found = candidate;
        this.#limitEvents(found);
        document = plainDocument(candidate.resolved, this.#scenario.own.mechanisms);
        isSmaller = true;
        position = place - 1;
        break;
      }
      if (isSmaller) continue;
      if (from === 0) return { best: found, failed };
      position = 0;
    }
  }

  /** Lets the event loop have a turn now and then. */
  async #turn(document: JsonValue): Promise<void> {
    this.#options.onProgress?.(this.#runs, JSON.stringify(document).length);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #limitEvents({ events }: Candidate): void {
    this.#mostEvents = Math.ceil(events * LONGER) + EVENTS_TO_SPARE;
  }

  #isOver(): boolean {
    return this.#runs >= this.#options.mostRuns || this.#options.isStopped?.() === true;
  }

  /** The candidate, if it is a document at all, was not tried before, and breaks the same. */
  #try(value: unknown): Candidate | undefined {
    const extensions = this.#scenario.own.mechanisms;
    const first = validateDocument(value, { file: "smaller", extensions });
    const vocabulary = vocabularyOf(extensions);
    const pruned = first.ok ? first.document : pruneUnchecked(value, vocabulary);
    if (pruned === undefined) return undefined;
    const checked = first.ok ? first : validateDocument(pruned, { file: "smaller", extensions });
    if (!checked.ok) return undefined;
    const key = JSON.stringify(checked.document);
    if (this.#tried.has(key)) return undefined;
    this.#tried.add(key);
    return this.#run(checked.document);
  }

  /** An expectation that fails without any fault too says nothing of the one that was looked for. */
  #isDueToFaults(document: ResolvedScenario): boolean {
    const { invariant, mechanism } = this.#options;
    if (mechanism !== "expectation" || this.#isFaultless) return true;
    this.#runs++;
    const { violations } = runDocument(this.#scenario, { ...document, faults: [] });
    return !violations.some((each) => each.invariant === invariant);
  }

  #run(document: ResolvedScenario): Candidate | undefined {
    const { invariant, mechanism } = this.#options;
    this.#runs++;
    const isLimited = Number.isFinite(this.#mostEvents) && invariant !== ENDLESS;
    const { violations, events } = runDocument(this.#scenario, document, {
      ...(isLimited && { mostEvents: this.#mostEvents }),
    });
    if (isLimited && events >= this.#mostEvents) return undefined;
    const violation = violations.find(
      (each) => each.invariant === invariant && each.mechanism === mechanism,
    );
    if (violation !== undefined && !this.#isDueToFaults(document)) return undefined;
    return violation === undefined ? undefined : { resolved: document, violation, events };
  }
}

/** What was left without its reference by a removal goes too, and then it may be a document. */
function pruneUnchecked(
  value: unknown,
  vocabulary: ReturnType<typeof vocabularyOf>,
): ResolvedScenario | undefined {
  const lists = { hosts: [], arrays: [], links: [], vms: [], timeline: [], faults: [] };
  const filled = { ...lists, ...(value as object) } as unknown as ResolvedScenario;
  const vms = filled.vms.map((vm) => ({ ...vm, disks: vm.disks ?? [] }));
  const hosts = filled.hosts.map((host) => ({ ...host, disks: host.disks ?? [] }));
  const pruned = withoutDangling({ ...filled, vms, hosts }, vocabulary);
  const all = [filled.timeline, filled.faults].flat().length;
  const left = [pruned.timeline, pruned.faults].flat().length;
  return left < all ? pruned : undefined;
}
