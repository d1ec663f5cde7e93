// What a benchmark says: one row each, with the figure that was to be reached.

export interface Row {
  readonly what: string;
  readonly reached: string;
  /** What it was held against, and what that reached. */
  readonly peer: string;
  /** Median of the ratios of interleaved pairs, and its 95 % interval. */
  readonly ratio: Ratio | undefined;
  readonly goal: string;
  /** `skipped` where the peer is not installed. */
  readonly verdict: "met" | "not met" | "skipped" | "shown";
}

export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/** Median with its distribution-free 95 % interval, from order statistics. */
export function ratioOf(ratios: readonly number[]): Ratio {
  const sorted = [...ratios].sort((a, b) => a - b);
  const pairs = sorted.length;
  const rank = Math.max(0, Math.floor(pairs / 2 - 0.98 * Math.sqrt(pairs)));
  const middle = (sorted[(pairs - 1) >> 1]! + sorted[pairs >> 1]!) / 2;
  return { median: middle, low: sorted[rank]!, high: sorted[pairs - 1 - rank]!, pairs };
}

export function median(values: readonly number[]): number {
  return ratioOf(values).median;
}

/** The value below which a share `q` of the values lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

export function verdictOf(isMet: boolean): "met" | "not met" {
  return isMet ? "met" : "not met";
}

export function formatRows(rows: readonly Row[]): string {
  const cells = rows.map(({ what, reached, peer, ratio, goal, verdict }) => [
    what,
    reached,
    peer,
    ratio === undefined ? "" : formatRatio(ratio),
    goal,
    verdict,
  ]);
  const table = [["what", "reached", "peer", "ratio", "goal", ""], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return table.map(line).join("\n");
}

function formatRatio({ median: middle, low, high, pairs }: Ratio): string {
  return `${middle.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] of ${pairs}`;
}
