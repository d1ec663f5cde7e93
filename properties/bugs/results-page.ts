/** The table as a page of its own, which says of which code it holds and how to read it. */
import { type Row, summaryOf, tableOf, type Totals } from "./table.ts";

export function documentOf(rows: readonly Row[], totals: Totals, version: string): string {
  const [first, ...others] = summaryOf(totals).split("\n");
  const mostSeeds = Math.max(0, ...rows.map(({ seeds }) => seeds));
  return `# What catches the planted bugs

Made by \`npm run bugs -- --page properties/bugs/RESULTS.md\`; not written by hand. It holds for code
version \`${version}\` (\`core/\` and \`scenarios/\`).

${first}

${others.map((line) => `- ${line}`).join("\n")}

\`seeds\`: those with which exploring found the bug, of those tried (at most ${mostSeeds}; the
others are left out when the first ones find nothing). \`runs\`, \`s\`, \`CPU s\`: median over
the seeds until it was found, or what the suites took until one failed; seconds by the clock are
those of a machine that did other things meanwhile. \`entries\`: timeline entries of the shrunk
reproducer. \`faults\`: its faults, and those of the run that found it. \`suite\`: the one that
fails; none names the bug.

${tableOf(rows)}
`;
}
