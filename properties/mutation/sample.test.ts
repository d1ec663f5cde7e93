/** The sample of mutants: a share of them, the same ones every time, and an honest interval. */
import { expect, it } from "vitest";
import { interval, isSampled, scoreOf } from "./sample.mjs";

const mutantAt = (line: number) => ({
  file: "core/kernel/gate.ts",
  mutatorName: "BooleanLiteral",
  location: { start: { line, column: 2 }, end: { line, column: 9 } },
  replacement: "false",
});

it("takes about the share asked for, by seed and mutant alone", () => {
  const lines = Array.from({ length: 4_000 }, (_, line) => line);
  const taken = lines.filter((line) => isSampled(mutantAt(line), 0.05, "1"));
  expect(taken.length).toBeGreaterThan(140);
  expect(taken.length).toBeLessThan(260);
  expect(lines.filter((line) => isSampled(mutantAt(line), 0.05, "1"))).toEqual(taken);
  expect(lines.filter((line) => isSampled(mutantAt(line), 0.05, "2"))).not.toEqual(taken);
});

it("gives Wilson's interval, and a point where nothing was left out", () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: 81 of 263.
  const { low, high } = interval(81, 263);
  expect([low, high].map((part) => Math.round(part * 10_000))).toEqual([2_553, 3_662]);
  expect(interval(5, 10, 10)).toEqual({ share: 0.5, low: 0.5, high: 0.5 });
});

it("counts what was tried only", () => {
  const mutant = (line: number, status: string, statusReason?: string) => ({
    ...mutantAt(line),
    status,
    ...(statusReason && { statusReason }),
  });
  const mutants = [
    mutant(1, "Killed"),
    mutant(2, "Timeout"),
    mutant(3, "Survived"),
    mutant(4, "NoCoverage"),
    mutant(5, "Ignored"),
    mutant(6, "CompileError", "not in the sample"),
  ];
  const score = scoreOf({ files: { "core/kernel/gate.ts": { mutants } } });
  expect(score).toMatchObject({ sampled: 4, population: 5, noticed: 2, share: 0.5 });
  expect(score.missed.map(({ location }) => location.start.line)).toEqual([3, 4]);
});
