/** What every verb prints with `--json` is what `orrery schema VERB` says, no more and no less. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, expect, test } from "vitest";
import { asJson } from "../testing/command.ts";
import { smallScenario } from "../testing/small-scenario.ts";
import { verbs } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "orrery-outputs-"));
const at = (name: string): string => join(folder, name);
writeFileSync(at("small.json"), JSON.stringify(smallScenario));
const lost = { kind: "lost-write", device: "array", count: 1_000, atMs: 20 };
const later = { kind: "slow", component: "array", factor: 2, atMs: 300 };
writeFileSync(at("broken.json"), JSON.stringify({ ...smallScenario, faults: [lost, later] }));
afterAll(() => rmSync(folder, { recursive: true }));

const [SCENARIO, TRACE, LATER] = [at("small.json"), at("small.orrery"), at("later.orrery")];
/** In this order: the first two make the traces that the others read. */
const LINES: readonly (readonly string[])[] = [
  ["run", SCENARIO, "-o", TRACE],
  ["run", SCENARIO, "-o", LATER, "--set", "/timeline/snap/atMs=250"],
  ["run", SCENARIO, "--no-trace", "--until", "10ms"],
  ["report", TRACE, "-o", at("small.html")],
  ["replay", TRACE],
  ["replay", TRACE, "--vm", "db"],
  ["log", TRACE, "--limit", "5"],
  ["inspect", TRACE, "/db"],
  ["why", TRACE, "/db/durable/power"],
  ["diff", TRACE, LATER],
  ["diff", TRACE, TRACE],
  ["export", TRACE, at("data.raw"), "--disk", "db:data"],
  ["export", TRACE, at("metrics.csv"), "--csv"],
  ["guest", "run", "core/guest/rv64/samples/primes.elf"],
  ["experiment"],
  ["experiment", "consolidation", "--seeds", "1", "-o", at("merge.csv")].concat(
    ["intensity=1", "load=modelled", "method=mirror"].flatMap((each) => ["--set", each]),
  ),
  ["explore", SCENARIO, "--runs", "4", "--workers", "1", "-o", at("search")],
  ["run", at("broken.json"), "-o", at("broken.orrery")],
  ["shrink", at("broken.orrery"), "-o", at("smallest")],
  ["crashes", SCENARIO, "--most", "3", "--losses", "2", "-o", at("crashes")],
  ["explore", "--merge", at("search/search.json")],
  ["schema", "snapshot"],
];
/** Takes minutes, and waits for a debugger: looked at when figures are made, and in its own test. */
const NOT_HERE = ["bench", "gdb"];

type Schema = { properties?: { [name: string]: unknown } };

function undocumented(schema: Schema, value: object): string[] {
  const { properties } = schema;
  return properties === undefined ? [] : Object.keys(value).filter((key) => !(key in properties));
}

test.each(LINES)("%s", async (...words) => {
  const { output } = verbs.find(({ name }) => name === words[0])!;
  const { value } = await asJson(words);
  const validate = new Ajv2020({ allErrors: true, strict: false }).compile(output as object);
  expect([validate(value), validate.errors]).toEqual([true, null]);
  expect(undocumented(output as Schema, value)).toEqual([]);
});

test("no verb is left out", () => {
  const held = new Set([...LINES.map(([name]) => name), ...NOT_HERE]);
  expect(verbs.map(({ name }) => name).filter((name) => !held.has(name))).toEqual([]);
});

test("a member that the schema does not have is noticed (canary)", () => {
  expect(undocumented({ properties: { known: {} } }, { known: 1, other: 2 })).toEqual(["other"]);
});
