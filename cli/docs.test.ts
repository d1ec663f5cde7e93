/** What the documentation shows works: scenarios are well-formed, commands exist with their options. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { prepareScenario } from "../scenarios/index.ts";
import { verbs } from "./verbs/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "orrery-docs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);

/** What is wrong with a command line, as far as its words show. */
function problemOf(line: string): string | undefined {
  const [name = "", ...words] = line
    .replace(/ {2,}#.*$/, "")
    .replace("npx orrery ", "")
    .split(/\s+/);
  const verb = verbs.find((each) => each.name === name);
  if (verb === undefined) return `no verb ${name}`;
  const known = new Set(["--json", "--help"]);
  for (const { flags } of verb.options) {
    for (const flag of flags.split(/[ ,]+/)) if (flag.startsWith("-")) known.add(flag);
  }
  const unknown = words.find((word) => word.startsWith("-") && !known.has(word));
  return unknown === undefined ? undefined : `${name} has no option ${unknown}`;
}

describe("the documentation", () => {
  it("shows commands that exist", () => {
    const lines = pages.flatMap(({ name, text }) =>
      blocks(text, "")
        .flatMap((block) => block.split("\n"))
        .filter((line) => line.startsWith("npx orrery "))
        .map((line) => ({ name, line })),
    );
    expect(lines.length).toBeGreaterThan(15);
    for (const { name, line } of lines)
      expect([name, line, problemOf(line)]).toEqual([name, line, undefined]);
  });

  it("shows scenarios that can be run", async () => {
    const documents = pages.flatMap(({ text }) =>
      blocks(text, "ts").filter((block) => block.includes("export default scenario(")),
    );
    expect(documents.length).toBeGreaterThan(1);
    for (const [i, text] of documents.entries()) {
      const file = join(folder, `shown-${i}.mts`);
      const own = text.replace(
        'from "orrery"',
        `from ${JSON.stringify(join(root, "scenarios/public.ts"))}`,
      );
      const local = own.replaceAll('"traces/samples/', `"${root}traces/samples/`);
      writeFileSync(file, local);
      const prepared = await prepareScenario(file, {});
      expect(prepared.ok ? [] : prepared.problems).toEqual([]);
    }
  });

  it("would be caught with a wrong option (canary)", () => {
    expect(problemOf("npx orrery run x.ts --sed 3")).toBe("run has no option --sed");
    expect(problemOf("npx orrery ".concat("rnu x.ts"))).toBe("no verb rnu");
  });
});
