/** The bug bank: searches and suites are worth what they catch of it. One file for each area. */
import type { Bug } from "./bug.ts";
import { diskBugs } from "./disk-bugs.ts";

export const bugs: readonly Bug[] = [...diskBugs];

export function bugNamed(name: string | null): Bug {
  const found = bugs.find((bug) => bug.name === name);
  if (found === undefined) throw new Error(`no bug ${name}; there are: ${names()}`);
  return found;
}

const names = (): string => bugs.map((bug) => bug.name).join(", ");
