/** How a run ended, in a word, and the command that runs it again. */
import { relative } from "node:path";
import type { ReportInput } from "./report-input.ts";

export interface Verdict {
  readonly word: string;
  readonly tone: "good" | "bad" | "partial";
}

export function verdictOf({ run, summary, status }: ReportInput): Verdict {
  const count = summary.violations.length;
  if (status === "salvaged") return { word: `salvaged to event ${run.lastEvent}`, tone: "partial" };
  if (run.end?.outcome === "interrupted") return { word: "interrupted", tone: "partial" };
  if (run.end?.outcome === "complete") {
    const word = count === 0 ? "no violations" : `${count} expected violations, no others`;
    return { word, tone: "good" };
  }
  return { word: count === 1 ? "1 violation" : `${count} violations`, tone: "bad" };
}

/** A run on the operating system's randomness is only in its trace. */
export function reproduceCommand({ file, run }: ReportInput): string {
  const { extra, seed } = run.trace.header;
  if (extra["entropy"] === "os") return `npx orrery replay ${file}`;
  const scenario = relative(process.cwd(), String(extra["path"]));
  return `npx orrery run ${scenario} --seed ${seed}`;
}
