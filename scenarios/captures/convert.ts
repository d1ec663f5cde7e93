/**
 * Normalises a capture of any known format to vscsiStats CSV:
 *
 *     node --import tsx scenarios/captures/convert.ts SOURCE TARGET.csv[.gz]
 *
 * Used by traces/samples/capture.sh. Exit 2 on bad input, with one line for each problem.
 */
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { formatProblem } from "./problems.ts";
import { readCaptureFile } from "./read-capture-file.ts";
import { formatVscsi } from "./write-vscsi.ts";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  console.error("usage: convert.ts SOURCE TARGET.csv[.gz]");
  process.exit(2);
}
const result = await readCaptureFile(from);
for (const problem of result.problems) console.error(formatProblem(problem, from));
if (!result.ok) {
  console.error(`${from}: ${result.message}`);
  process.exit(2);
}
const text = formatVscsi(result.capture);
writeFileSync(to, to.endsWith(".gz") ? gzipSync(text, { level: 9 }) : text);
console.log(JSON.stringify(result.capture.meta, null, 2));
