/** Content of guests, which write stamps and zeros only, as one number a sector and back. */
import type { ContentRun } from "../../kernel/index.ts";
import type { RecentWrite } from "./recent-write.ts";

/** Stands for bytes, which no modelled guest writes. */
export const FOREIGN = -1;

/** Reads runs front to back: the value at a sector of the span, and where that run ends. */
export class ValueCursor {
  readonly #runs: readonly ContentRun[];
  #index = 0;
  #start = 0;

  constructor(runs: readonly ContentRun[]) {
    this.#runs = runs;
  }

  /** The end, counted from the start of the span, of the run that holds `offset`. */
  endOfRun(offset: number): number {
    this.#seek(offset);
    const run = this.#runs[this.#index];
    return run === undefined ? Infinity : this.#start + run.sectors;
  }

  /** Stamp at `offset`; 0 zeros, FOREIGN bytes or nothing at all. */
  valueAt(offset: number): number {
    this.#seek(offset);
    const run = this.#runs[this.#index];
    if (run === undefined || run.kind === "bytes") return FOREIGN;
    return run.kind === "zero" ? 0 : run.stamp + offset - this.#start;
  }

  #seek(offset: number): void {
    for (;;) {
      const run = this.#runs[this.#index];
      if (run === undefined || offset < this.#start + run.sectors) return;
      this.#start += run.sectors;
      this.#index++;
    }
  }
}

/** Value that a write gives to a sector. */
export const valueOf = (write: RecentWrite, sector: number): number =>
  write.stamp === 0 ? 0 : write.stamp + sector - write.sector;

/** Ends, counted from `origin`, of the pieces into which runs and writes cut a span. */
export function cutsOf(
  span: { readonly sector: number; readonly sectors: number },
  lists: readonly (readonly ContentRun[])[],
  writes: readonly RecentWrite[],
): number[] {
  const cuts = new Set<number>([span.sectors]);
  for (const runs of lists) {
    let at = 0;
    for (const run of runs) cuts.add((at += run.sectors));
  }
  for (const { sector, sectors } of writes) {
    cuts.add(sector - span.sector);
    cuts.add(sector + sectors - span.sector);
  }
  return [...cuts].filter((at) => at > 0 && at <= span.sectors).sort((a, b) => a - b);
}

/** Canonical runs of `settled` with `writes` laid over it in their order. */
export function runsOf(
  span: { readonly sector: number; readonly sectors: number },
  settled: readonly ContentRun[],
  writes: readonly RecentWrite[],
): ContentRun[] {
  const cursor = new ValueCursor(settled);
  const runs: ContentRun[] = [];
  let from = 0;
  for (const to of cutsOf(span, [settled], writes)) {
    const sector = span.sector + from;
    const over = writes.findLast((each) => covers(each, sector));
    appendRun(runs, over ? valueOf(over, sector) : cursor.valueAt(from), to - from);
    from = to;
  }
  return runs;
}

export const covers = (write: RecentWrite, sector: number): boolean =>
  write.sector <= sector && sector < write.sector + write.sectors;

function appendRun(runs: ContentRun[], stamp: number, sectors: number): void {
  const last = runs.at(-1);
  const index = runs.length - 1;
  if (stamp === 0) {
    if (last?.kind === "zero") runs[index] = { kind: "zero", sectors: last.sectors + sectors };
    else runs.push({ kind: "zero", sectors });
  } else if (last?.kind === "stamp" && last.stamp + last.sectors === stamp) {
    runs[index] = { ...last, sectors: last.sectors + sectors };
  } else {
    runs.push({ kind: "stamp", sectors, stamp });
  }
}
