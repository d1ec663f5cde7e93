/** Reads a scenario file: a `.json` document, or a module whose default export is a scenario. */
import { readFile, realpath } from "node:fs/promises";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { NOTHING_OWN, type OwnParts, type ScenarioDefinition } from "./define.ts";
import { IMPORTED_AS_DATA } from "./run-if-main.ts";
import { type Finding, finding } from "./validate/problem.ts";
import { isMembers } from "./validate/schema-walk.ts";

export type ReadDocument =
  | { readonly ok: true; readonly value: unknown; readonly own: Required<OwnParts> }
  | { readonly ok: false; readonly found: Finding };

const MODULES: ReadonlySet<string> = new Set([".ts", ".mts", ".js", ".mjs"]);

const refused = (message: string, expected: string): ReadDocument => ({
  ok: false,
  found: finding("", message, expected),
});

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : `it threw ${String(error)}`;

/** `line 3, column 7`, when the parser's message tells the position. */
function placeIn(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return "";
  const lines = text.slice(0, Number(position)).split("\n");
  return ` at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

function parseJson(text: string): ReadDocument {
  try {
    return { ok: true, value: JSON.parse(text), own: NOTHING_OWN };
  } catch (error) {
    return refused(`is not JSON${placeIn(text, messageOf(error))}: ${messageOf(error)}`, "JSON");
  }
}

const isDefinition = (value: unknown): value is ScenarioDefinition =>
  isMembers(value) && value["orrery"] === "scenario" && Array.isArray(value["mechanisms"]);

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/Top-level await/i, 'an ES module: name it .mts, or put "type": "module" in its package.json'],
  [/Cannot find (package|module)/i, "imports that can be found from the file's folder"],
];

/** The file is imported under another name than the main module's: see `runIfMain`. */
async function importModule(path: string): Promise<ReadDocument> {
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(path).href + IMPORTED_AS_DATA);
  } catch (error) {
    const message = messageOf(error);
    const hint = HINTS.find(([pattern]) => pattern.test(message))?.[1];
    return refused(`cannot be loaded: ${message}`, hint ?? "a module that loads");
  }
  const exported = isMembers(loaded) ? loaded["default"] : undefined;
  if (exported === undefined)
    return refused("has no default export", "`export default scenario(…)`");
  if (!isDefinition(exported)) return { ok: true, value: exported, own: NOTHING_OWN };
  const { document, mechanisms, invariants, build } = exported;
  return { ok: true, value: document, own: { mechanisms, invariants, build } };
}

/** Reads the document without judging it. Never throws for what a file may hold. */
export async function readDocument(file: string): Promise<ReadDocument> {
  const extension = extname(file);
  if (extension !== ".json" && !MODULES.has(extension)) {
    return refused("is of an unknown kind", "a file named .json, .ts, .mts, .js or .mjs");
  }
  try {
    const path = await realpath(file);
    return extension === ".json"
      ? parseJson(await readFile(path, "utf8"))
      : await importModule(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refused(code === "ENOENT" ? "does not exist" : messageOf(error), "a scenario file");
  }
}
