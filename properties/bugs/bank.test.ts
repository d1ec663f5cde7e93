/**
 * Holds the bank against the sources: a bug whose text is gone, or stands twice, is stale, and one
 * that is no program is caught by the compiler and by nothing that is tested here.
 */
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { bank } from "./bank.ts";
import { checkReaders } from "./loading/planting.ts";
import { plantedText, readSource } from "./loading/substitution.ts";

/** AssemblyScript's decorators stand where TypeScript has none. */
function syntaxErrors(text: string): readonly unknown[] {
  const plain = text.replaceAll("@inline ", "");
  const { diagnostics = [] } = ts.transpileModule(plain, { reportDiagnostics: true });
  return diagnostics.map(({ messageText }) => messageText);
}

describe("the bank of bugs", () => {
  it.each(bank.map((bug) => [bug.name, bug] as const))("%s is not stale", (_, bug) => {
    const planted = plantedText(bug);
    expect(planted).not.toBe(readSource(bug.file));
    expect(syntaxErrors(planted)).toEqual([]);
  });

  it("names each bug once, and each report by its address", () => {
    expect(new Set(bank.map(({ name }) => name)).size).toBe(bank.length);
    for (const { report } of bank)
      if (report !== undefined) expect(() => new URL(report)).not.toThrow();
  });

  it("says that a bug is stale", () => {
    const file = "core/kernel/time.ts";
    const stale = { name: "stale", file, find: "no such text", replace: "" };
    expect(() => plantedText(stale)).toThrow(/stale.* 0 times/);
    expect(() => plantedText({ ...stale, find: "export" })).toThrow(/stale/);
  });

  it("finds the compiled module where its readers look for it", () => {
    expect(checkReaders).not.toThrow();
  });
});
