/** What a bug makes of its file. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Bug } from "../bug.ts";

export const ROOT = new URL("../../../", import.meta.url);

export const addressOf = (file: string): string => new URL(file, ROOT).href;

export const readSource = (file: string): string =>
  readFileSync(fileURLToPath(new URL(file, ROOT)), "utf8");

/** The planted text; throws when the bug is stale: its text does not stand there exactly once. */
export function plantedText(bug: Pick<Bug, "name" | "file" | "find" | "replace">): string {
  const source = readSource(bug.file);
  const times = source.split(bug.find).length - 1;
  if (times !== 1) {
    throw new Error(`the bug ${bug.name} is stale: its text stands ${times} times in ${bug.file}`);
  }
  return source.replace(bug.find, () => bug.replace);
}
