/** House rules that are read from a file's text: leftovers, machine paths, lengths. */
import { isAssembly, isCode, isGenerated, isRule, isTest, type SourceFile } from "./source-tree.ts";

const LONGEST_FILE = 400;
const LONGEST_LINE = 100;

/** Comments may run on where a table or a source is quoted; prettier does not wrap them. */
const LONGEST_COMMENT = 180;

/** Files that earn their length, with the reason. */
export const LONG_FILES: Readonly<Record<string, string>> = {
  "core/kernel/world.ts": "the one loop and what it touches at every event, kept in one view",
  "scenarios/validate/validate.test.ts": "one case for every answer to a bad document",
};

/** One line for each breach: `path:line what`. */
export function textBreaches(file: SourceFile): readonly string[] {
  if (isGenerated(file) || isRule(file)) return [];
  const breaches: string[] = [];
  const lines = file.text.split("\n");
  lines.forEach((line, index) => {
    for (const what of lineBreaches(line, file)) breaches.push(`${file.path}:${index + 1} ${what}`);
  });
  if (isCode(file) && lines.length - 1 > LONGEST_FILE && !(file.path in LONG_FILES)) {
    breaches.push(`${file.path} has ${lines.length - 1} lines, over ${LONGEST_FILE}`);
  }
  return breaches;
}

function lineBreaches(line: string, file: SourceFile): readonly string[] {
  const breaches: string[] = [];
  const leftover = /\b(FIXME|TODO|XXX|HACK)\b/.exec(line);
  if (leftover && file.path !== "CONTRIBUTING.md") breaches.push(`leftover ${leftover[1]}`);
  // Modules that were loaded before keep what they are: it would replace nothing, or for all.
  const isShared = isCode(file) && /\bvi\.mock\(/.test(line);
  if (isShared) breaches.push("vi.mock, where files share modules");
  const place = /(?<![\w.<>-])\/(work|root|home\/\w+|tmp)\//.exec(line);
  // A shell script makes its own machine, and its temporary folder is there.
  const isOwnPlace = file.path.endsWith(".sh") && place?.[1] === "tmp";
  if (place && !isOwnPlace && !isTest(file)) breaches.push(`a path of one machine: ${place[0]}`);
  if (isCode(file) && !isAssembly(file) && line.length > limitOf(line)) {
    breaches.push(`${line.length} characters`);
  }
  return breaches;
}

/** A string that cannot be broken, and a comment, may stand beyond the width of code. */
function limitOf(line: string): number {
  if (/^\s*(\/\/|\/?\*)/.test(line)) return LONGEST_COMMENT;
  return /["'`]/.test(line) || line.includes("//") ? LONGEST_COMMENT : LONGEST_LINE;
}
