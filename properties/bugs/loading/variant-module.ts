/**
 * Builds the compiled engine of the real machine from sources with a bug: in a copy outside the
 * tree, once for each text of the sources.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bug } from "../bug.ts";
import { plantedText, ROOT } from "./substitution.ts";

const RV64 = "core/guest/rv64";
const SOURCES = [`${RV64}/layout.ts`, `${RV64}/architecture.ts`, `${RV64}/assembly`];

/** What a variant differs in. */
type Planted = Pick<Bug, "name" | "file" | "find" | "replace">;

/** Path of the built module. */
export async function buildVariant(bug: Planted, cache: string): Promise<string> {
  const root = fileURLToPath(ROOT);
  const planted = plantedText(bug);
  const copy = join(cache, "variants", `${bug.name}-${hashOf(root, planted)}`);
  const module = join(copy, RV64, "assembly/build/rv64.wasm");
  if (existsSync(module)) return module;
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, dirname(RV64)), { recursive: true });
  for (const source of SOURCES) {
    cpSync(join(root, source), join(copy, source), {
      recursive: true,
      filter: (path) => !/assembly.build(\W|$)(?!ts$)/.test(path),
    });
  }
  for (const file of ["package.json", "tsconfig.json"]) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  writeFileSync(join(copy, bug.file), planted);
  const build = join(copy, RV64, "assembly/build.ts");
  const tsx = import.meta.resolve("tsx");
  await promisify(execFile)(process.execPath, ["--import", tsx, build], { cwd: copy });
  return module;
}

/** Of everything the module is made from. */
function hashOf(root: string, planted: string): string {
  const hash = createHash("sha256").update(planted);
  for (const source of SOURCES) {
    const path = join(root, source);
    const files = source.endsWith(".ts") ? [path] : filesBelow(path);
    for (const file of files) hash.update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 16);
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/assembly.build(\W|$)/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
