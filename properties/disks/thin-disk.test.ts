/** A large thin disk costs memory by what was written: the figure, measured in a process of its own. */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

it("4 TiB with 10^6 written blocks take less than 200 MiB", () => {
  const words = ["--expose-gc", "--import", "tsx", "scripts/thin-disk.ts"];
  const printed = execFileSync(process.execPath, words, { encoding: "utf8" });
  const { heapMiB, sectors } = JSON.parse(printed) as { heapMiB: number; sectors: number };
  expect(sectors).toBeGreaterThan(7_900_000);
  expect(heapMiB).toBeLessThan(200);
}, 60_000);
