import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeProgress } from "./progress.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** What is written by an update each `everyMs` over two minutes and a half, then a clear. */
function written(isTerminal: boolean, everyMs: number): readonly string[] {
  const lines: string[] = [];
  const progress = makeProgress({ isTerminal, columns: 6, write: (text) => void lines.push(text) });
  for (let atMs = 0; atMs <= 150_000; atMs += everyMs) {
    progress.update(`at ${atMs}`);
    vi.advanceTimersByTime(everyMs);
  }
  progress.clear();
  return lines;
}

it("is one line on a terminal, rewritten ten times a second at most, and cleared", () => {
  const lines = written(true, 25);
  expect(lines).toHaveLength(150_000 / 100 + 1 + 1);
  expect(lines[1]).toBe("\rat 10\u001B[K");
  expect(lines.at(-1)).toBe("\r\u001B[K");
});

it("is a line a minute in a log, none for what is done within one, and nothing is cleared", () => {
  expect(written(false, 25)).toEqual(["at 60000\n", "at 120000\n"]);
});

it("is not computed while nobody would see it", () => {
  const progress = makeProgress({ isTerminal: false, columns: 80, write: () => undefined });
  expect(progress.shown).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(progress.shown).toBe(true);
});
