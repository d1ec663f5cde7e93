/**
 * The code version: a hash over the sources of `core/` and `scenarios/`. A trace says which code made
 * it; under the same version a replay must agree in everything.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["core", "scenarios"];

/** 16 hex digits; the same for the same sources, wherever they lie. */
export function codeVersion(): string {
  const hash = createHash("sha256");
  for (const file of FOLDERS.flatMap((folder) => sources(join(ROOT, folder)))) {
    hash.update(relative(ROOT, file).replaceAll("\\", "/"));
    hash.update("\0");
    hash.update(readFileSync(file));
    hash.update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

function sources(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...sources(path));
    else if (entry.name.endsWith(".ts") && !isTest(entry.name)) files.push(path);
  }
  return files.sort();
}

function isTest(name: string): boolean {
  return name.endsWith(".test.ts") || name.endsWith(".hunt.ts");
}
