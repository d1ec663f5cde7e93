/** The door of reports: recorded runs as HTML and Markdown; experiments. */
export * from "./experiments/index.ts";
export { renderReport } from "./html/render-report.ts";
export { renderMarkdown } from "./markdown.ts";
export type { ReportInput } from "./report-input.ts";
