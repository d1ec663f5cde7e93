/** The repository's own files as the tidy rules see them: path from the root, and text. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One text file; `path` is relative to the root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const SKIPPED = new Set(["node_modules", ".git", "dist", "coverage", ".cache", ".stryker-tmp"]);
const TEXT = /\.(ts|mjs|md|json|sh|yml)$|^(LICENSE|run|\.npmrc)$/;

/** All text files below `root`, in order of path. */
export function sourceTree(root: string): readonly SourceFile[] {
  return pathsBelow(root, "").map((path) => ({
    path,
    text: readFileSync(join(root, path), "utf8"),
  }));
}

function pathsBelow(root: string, folder: string): string[] {
  const paths: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) paths.push(...pathsBelow(root, path));
    } else if (TEXT.test(entry.name) && !entry.name.includes(".tmp.")) paths.push(path);
  }
  return paths.sort();
}

/** Written by a program: held to its own test of being current, not to the house style. */
export const isGenerated = ({ path }: SourceFile): boolean =>
  /\.generated\.ts$|\.schema\.json$|^core\/guest\/rv64\/assembly\/build\//.test(path);

/** Tests, their helpers and benchmarks look at the product from outside. */
export const isTest = ({ path }: SourceFile): boolean =>
  /\.(test|hunt|bench)\.ts$|(^|\/)(testing|bench|fixtures)\//.test(path);

/** TypeScript and the few modules that threads load as they are. */
export const isCode = ({ path }: SourceFile): boolean => /\.(ts|mjs)$/.test(path);

/** AssemblyScript: the same letters, another language, compiled and checked by its own compiler. */
export const isAssembly = ({ path }: SourceFile): boolean =>
  path.startsWith("core/guest/rv64/assembly/");

/** The rules' own files name what they forbid. */
export const isRule = ({ path }: SourceFile): boolean => /^properties\/tidy(\/|\.test)/.test(path);
