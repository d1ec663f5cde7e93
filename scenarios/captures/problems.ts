/** What an importer has to say about its source, as data; and the one clear line for each. */

export type CaptureProblem =
  | {
      readonly code: "malformed-line";
      /** 1-based. */
      readonly line: number;
      readonly message: string;
      /** The beginning of the line as it stood. */
      readonly excerpt: string;
    }
  /** How many malformed lines there were beyond those listed. */
  | { readonly code: "more-malformed-lines"; readonly count: number }
  /** Requests earlier than the one before them; tolerated, and sorted by time. */
  | { readonly code: "out-of-order"; readonly count: number; readonly firstLine: number };

/** How many malformed lines are listed one by one. */
export const LISTED_LINES = 10;

/** One line of text for a problem, in the form `FILE:LINE: what is wrong`. */
export function formatProblem(problem: CaptureProblem, file: string): string {
  switch (problem.code) {
    case "malformed-line":
      return `${file}:${problem.line}: ${problem.message}: ${JSON.stringify(problem.excerpt)}`;
    case "more-malformed-lines":
      return `${file}: and ${problem.count} more malformed lines`;
    case "out-of-order":
      return (
        `${file}:${problem.firstLine}: ${problem.count} requests are earlier than the one ` +
        "before them; all were sorted by time"
      );
  }
}

/** Gathers problems while a source is read: the first ten malformed lines, then a count. */
export class ProblemLog {
  malformed = 0;
  private readonly listed: CaptureProblem[] = [];

  malformedLine(line: number, message: string, text: string): void {
    this.malformed++;
    if (this.listed.length >= LISTED_LINES) return;
    this.listed.push({ code: "malformed-line", line, message, excerpt: text.slice(0, 80) });
  }

  /** All problems; `outOfOrder` requests are added to what was gathered. */
  toList(outOfOrder: number, firstLine: number): readonly CaptureProblem[] {
    const list = [...this.listed];
    const more = this.malformed - this.listed.length;
    if (more > 0) list.push({ code: "more-malformed-lines", count: more });
    if (outOfOrder > 0) list.push({ code: "out-of-order", count: outOfOrder, firstLine });
    return list;
  }
}
