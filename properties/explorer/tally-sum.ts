/** What any number of runs covered and found, added up; the order in which they come does not matter. */
import { type Finding, findingKey, NOTHING, type Tally } from "./search.ts";

type Counts = { readonly [name: string]: number };

export class TallySum {
  #totals = { runs: 0, forks: 0, events: 0, simulatedNs: 0 };
  readonly #reached = new Map<string, number>();
  readonly #cells = new Map<string, number>();
  readonly #outcomes = new Map<string, number>();
  readonly #findings = new Map<string, Finding>();
  #known: Tally | undefined = NOTHING;

  constructor(...tallies: readonly Tally[]) {
    for (const tally of tallies) this.add(tally);
  }

  add({ runs, forks, events, simulatedNs, reached, cells, outcomes, findings }: Tally): void {
    const { runs: before, ...totals } = this.#totals;
    this.#totals = {
      runs: before + runs,
      forks: totals.forks + forks,
      events: totals.events + events,
      simulatedNs: totals.simulatedNs + simulatedNs,
    };
    addCounts(this.#reached, reached);
    addCounts(this.#cells, cells);
    addCounts(this.#outcomes, outcomes);
    for (const finding of findings) this.#addFinding(finding);
    this.#known = undefined;
  }

  /** Kinds of them. */
  get findings(): number {
    return this.#findings.size;
  }

  /** Names and findings in an order of their own, so that equal sums have equal text. */
  get tally(): Tally {
    return (this.#known ??= {
      ...this.#totals,
      reached: inOrder(this.#reached),
      cells: inOrder(this.#cells),
      outcomes: inOrder(this.#outcomes),
      findings: [...this.#findings.values()].sort(
        (x, y) => x.run - y.run || compare(keyOf(x), keyOf(y)),
      ),
    });
  }

  /** One for each key: the earliest run stands for all. */
  #addFinding(finding: Finding): void {
    const key = keyOf(finding);
    const known = this.#findings.get(key);
    if (known === undefined) return void this.#findings.set(key, finding);
    const first = known.run <= finding.run ? known : finding;
    this.#findings.set(key, { ...first, runs: known.runs + finding.runs });
  }
}

/** Of two. */
export const mergeTallies = (a: Tally, b: Tally): Tally => new TallySum(a, b).tally;

function addCounts(sums: Map<string, number>, counts: Counts): void {
  for (const name in counts) sums.set(name, (sums.get(name) ?? 0) + counts[name]!);
}

const inOrder = (sums: ReadonlyMap<string, number>): Counts =>
  Object.fromEntries([...sums].sort(([a], [b]) => compare(a, b)));

const keyOf = ({ violation }: Finding): string => findingKey(violation);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
