/**
 * Hunts for a planted bug as `orrery explore` does, without knowing it: runs of variants of a
 * scenario with every invariant on. Must hold: what sound sources break in the very same run is not
 * taken for the bug.
 */
import { prepareScenario, type ReadyScenario } from "../../../scenarios/index.ts";
import type { ResolvedScenario } from "../../../scenarios/index.ts";
import { audit } from "../../explorer/audit.ts";
import { type FoundViolation, runDocument } from "../../explorer/run-document.ts";
import type { Differs, Effort, Found } from "./messages.ts";
import { PlantedProcess } from "./planted-process.ts";

export interface ExploreLimits {
  readonly mostRuns: number;
  /** Of the processor, for each seed. */
  readonly mostSeconds: number;
  /** Runs spent on making the first find small. */
  readonly shrinkRuns: number;
}

/** Entries of the shrunk timeline, and faults of before and after. */
export interface Reproducer {
  readonly operations: number;
  readonly faults: number;
  readonly faultsBefore: number;
  readonly isMinimal: boolean;
}

export interface Explored extends Effort {
  readonly seed: number;
  readonly scenario: string;
  readonly invariant: string | null;
  readonly reproducer: Reproducer | null;
  /** Why there was no search, or it ended early. */
  readonly trouble: string | null;
}

export interface ExploreRequest {
  readonly scenarios: readonly string[];
  readonly seed: number;
  readonly limits: ExploreLimits;
  readonly shrinks: boolean;
}

/** What the audit of a search holds. */
const AUDITED = "a run that is repeated has the same root";

const NO_EFFORT: Effort = { runs: 0, seconds: 0, cpuSeconds: 0 };

export class BugExplorer {
  readonly #process: PlantedProcess;
  readonly #sound = new Map<string, ReadyScenario>();

  constructor(environment: NodeJS.ProcessEnv) {
    this.#process = new PlantedProcess(environment);
  }

  close(): void {
    this.#process.close();
  }

  /** One seed: the scenarios in turn, until the bug is found. */
  async explore({ scenarios, seed, limits, shrinks }: ExploreRequest): Promise<Explored> {
    let spent = NO_EFFORT;
    let last: Explored | undefined;
    for (const scenario of scenarios) {
      last = await this.#exploreOne(scenario, seed, limits, shrinks);
      spent = added(spent, last);
      if (last.invariant !== null || last.trouble !== null) break;
    }
    return { ...last!, ...spent };
  }

  async #exploreOne(
    scenario: string,
    seed: number,
    { mostRuns, mostSeconds, shrinkRuns }: ExploreLimits,
    shrinks: boolean,
  ): Promise<Explored> {
    const none = { seed, scenario, invariant: null, reproducer: null, trouble: null };
    let said = await this.#process.says({ type: "search", scenario, seed, mostRuns, mostSeconds });
    for (;;) {
      // What it said when it had started.
      if (said.type === "ready") said = await this.#process.says();
      else if (said.type === "nothing") return { ...none, ...said.effort };
      else if (said.type === "refused") return { ...none, ...NO_EFFORT, trouble: said.message };
      else if (said.type === "differs") {
        if (!(await this.#differsAnyway(scenario, said))) {
          this.#process.tell({ type: "enough" });
          return { ...none, ...said.effort, invariant: AUDITED };
        }
        said = await this.#process.says({ type: "go on" });
      } else if (said.type !== "found") return { ...none, ...NO_EFFORT, trouble: said.type };
      else if (await this.#isBrokenAnyway(scenario, said.document, said.violation)) {
        said = await this.#process.says({ type: "go on" });
      } else {
        const { effort, violation } = said;
        const reproducer = shrinks ? await this.#shrink(scenario, said, shrinkRuns) : null;
        this.#process.tell({ type: "enough" });
        return { ...none, ...effort, invariant: violation.invariant, reproducer };
      }
    }
  }

  /** Whether the sources as they are break the same in the same run. */
  async #isBrokenAnyway(
    file: string,
    document: ResolvedScenario,
    { invariant, mechanism }: FoundViolation,
  ): Promise<boolean> {
    const { violations } = runDocument(await this.#soundScenario(file), document);
    return violations.some((each) => each.invariant === invariant && each.mechanism === mechanism);
  }

  /** Whether the sources as they are come to different roots with the same document. */
  async #differsAnyway(file: string, { run, document }: Differs): Promise<boolean> {
    const scenario = await this.#soundScenario(file);
    const { root } = runDocument(scenario, document);
    return audit(scenario, { run, document, root }) !== null;
  }

  async #soundScenario(file: string): Promise<ReadyScenario> {
    const known = this.#sound.get(file);
    if (known !== undefined) return known;
    const prepared = await prepareScenario(file);
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    this.#sound.set(file, prepared.scenario);
    return prepared.scenario;
  }

  async #shrink(
    file: string,
    { document, violation }: Found,
    mostRuns: number,
  ): Promise<Reproducer | null> {
    const said = await this.#process.says({ type: "shrink", document, violation, mostRuns });
    if (said.type !== "shrunk" || said.resolved === null) return null;
    // On its way down it may have come upon what is broken without the bug.
    if (await this.#isBrokenAnyway(file, said.resolved, violation)) return null;
    return {
      operations: said.resolved.timeline.length,
      faults: said.resolved.faults.length,
      faultsBefore: document.faults.length,
      isMinimal: said.isMinimal,
    };
  }
}

const added = (a: Effort, b: Effort): Effort => ({
  runs: a.runs + b.runs,
  seconds: a.seconds + b.seconds,
  cpuSeconds: a.cpuSeconds + b.cpuSeconds,
});
