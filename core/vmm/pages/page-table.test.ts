/** The page table of a modelled guest: what maps where, and back. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelledPageTable } from "./page-table.ts";

describe("a modelled page table", () => {
  it("maps each virtual page to a page of its own, none to the table, and back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 2_000 }),
        fc.nat(2 ** 20),
        fc.integer({ min: 1, max: 100 }),
        (memoryPages, number, percent) => {
          const table = new ModelledPageTable(memoryPages, number, percent);
          const seen = new Set<number>();
          for (let virtual = 0; virtual < table.pages; virtual++) {
            const physical = table.physicalOf(virtual);
            const isBack = table.virtualOf(physical) === virtual;
            if (!isBack || table.tableOf(virtual) >= table.tablePages) return false;
            seen.add(physical);
          }
          expect(seen.size).toBe(table.pages);
          expect(Math.min(...seen)).toBe(table.tablePages);
          expect(Math.max(...seen)).toBe(memoryPages - 1);
          return true;
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([5, 25, 60, 100])("scatters %i percent of its pages", (percent) => {
    const table = new ModelledPageTable(20_000, 7, percent);
    let scattered = 0;
    for (let virtual = 0; virtual < table.pages; virtual++) {
      if (table.physicalOf(virtual) !== virtual + table.tablePages) scattered++;
    }
    const sigma = Math.sqrt(table.pages * 0.01 * percent * (1 - 0.01 * percent));
    expect(Math.abs(scattered - (table.pages * percent) / 100)).toBeLessThanOrEqual(4 * sigma + 4);
  });
});
