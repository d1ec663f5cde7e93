/** `orrery report`: an analysis report of one or more traces, as one HTML file or as Markdown. */
import { writeFile } from "node:fs/promises";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode, worstExit } from "../exit-codes.ts";
import { verb, type Verb } from "../verb.ts";

interface ReportOptions {
  readonly out?: string;
  readonly md?: boolean;
}

export const report: Verb = verb<readonly [readonly string[]], ReportOptions>({
  name: "report",
  describe: "write an analysis report of traces: what happened, charts, violations, provenance",
  arguments: [{ syntax: "<traces...>", describe: "one or more .orrery files" }],
  options: [
    { flags: "-o, --out <file>", describe: "where to write (default: first trace, .html or .md)" },
    { flags: "--md", describe: "Markdown instead of HTML" },
  ],
  examples: [
    { command: "orrery report tour-7.orrery", describe: "One run, as tour-7.html." },
    { command: "orrery report a.orrery b.orrery -o ab.html", describe: "Two runs side by side." },
  ],
  output: {
    type: "object",
    description: "What was written.",
    properties: {
      report: { type: "string", description: "The file." },
      traces: { type: "integer", description: "Runs in it." },
      violations: { type: "integer", description: "Violations in all of them." },
    },
  },
  async run(context, [files], { out, md = false }) {
    const [reports, traces] = await Promise.all([
      import("../../reports/index.ts"),
      import("../../traces/index.ts"),
    ]);
    const inputs = [];
    const codes: ExitCode[] = [EXIT.fine];
    for (const file of files) {
      const opened = traces.openTrace(file);
      if (!opened.ok) return context.badInput([problem(file, opened.message)]);
      if (opened.status === "salvaged") {
        context.warn(`${file}: ${opened.damage.message}; the report is of what was salvaged`);
        codes.push(EXIT.damaged);
      }
      const run = new traces.RecordedRun(opened.trace);
      const summary = traces.RunSummary.of(run.notices());
      const damage = opened.status === "salvaged" ? opened.damage : undefined;
      inputs.push({ file, run, summary, status: opened.status, damage });
    }
    const target = out ?? files[0]!.replace(/\.orrery$/, "") + (md ? ".md" : ".html");
    const content = md ? reports.renderMarkdown(inputs) : await reports.renderReport(inputs);
    const failure = await write(target, content);
    if (failure !== undefined) return context.missing(failure);
    finish(context, target, inputs);
    return worstExit(codes);
  },
});

const problem = (file: string, message: string) => ({
  file,
  pointer: "",
  message,
  expected: "a trace that `orrery run` wrote",
});

async function write(file: string, content: string): Promise<string | undefined> {
  try {
    await writeFile(file, content);
    return undefined;
  } catch (error) {
    return `${file} cannot be written: ${(error as Error).message}`;
  }
}

function finish(
  context: Context,
  file: string,
  inputs: readonly { readonly summary: { readonly violations: readonly unknown[] } }[],
): void {
  const violations = inputs.reduce((sum, { summary }) => sum + summary.violations.length, 0);
  context.print(`report ${file}`);
  context.result({ report: file, traces: inputs.length, violations });
}
