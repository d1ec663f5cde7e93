/**
 * What a search leaves in a file: what was asked, which blocks were done, and what they covered and
 * found. Files of shards are merged; two that make up a whole are, to the byte, the file of the
 * whole. No clock, host or worker is in it.
 */
import { readFile } from "node:fs/promises";
import type { Mismatch, Strategy, Tally } from "./search.ts";
import { mergeTallies } from "./tally-sum.ts";

export const RESULT_FORMAT = "orrery-search-3";

export interface SearchResult {
  readonly format: typeof RESULT_FORMAT;
  readonly codeVersion: string;
  readonly scenario: string;
  readonly scenarioHash: string;
  readonly seed: number;
  readonly strategy: Strategy;
  readonly blockRuns: number;
  /** Runs that were asked for, over all shards; null: no limit. */
  readonly asked: number | null;
  /** Blocks that are in here, in order. */
  readonly blocks: readonly number[];
  readonly audited: number;
  readonly tally: Tally;
  readonly mismatches: readonly Mismatch[];
}

const SAME = ["codeVersion", "scenarioHash", "seed", "strategy", "blockRuns", "asked"] as const;

/** Both together, or what keeps them from being parts of one search. */
export function mergeResults(a: SearchResult, b: SearchResult): SearchResult | string {
  if (a.scenario !== b.scenario) return `are of ${b.scenario} and of ${a.scenario}`;
  const other = SAME.find((member) => a[member] !== b[member]);
  if (other !== undefined) return `differ in ${other}: ${b[other]} and ${a[other]}`;
  const twice = a.blocks.find((block) => b.blocks.includes(block));
  if (twice !== undefined) return `both hold block ${twice} (expected each shard once)`;
  return {
    ...a,
    blocks: [...a.blocks, ...b.blocks].sort((x, y) => x - y),
    audited: a.audited + b.audited,
    tally: mergeTallies(a.tally, b.tally),
    mismatches: [...a.mismatches, ...b.mismatches].sort((x, y) => x.run - y.run),
  };
}

/** Reads a result file; a string says what is wrong with it. */
export async function readResult(path: string): Promise<SearchResult | string> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => error);
  if (typeof text !== "string") {
    return text.code === "ENOENT" ? "does not exist (expected a search.json)" : text.message;
  }
  try {
    const value = JSON.parse(text) as SearchResult;
    const isResult = value?.format === RESULT_FORMAT && Array.isArray(value.blocks);
    return isResult ? value : "is not a result of a search (expected a search.json)";
  } catch {
    return "is not JSON (expected a search.json)";
  }
}
