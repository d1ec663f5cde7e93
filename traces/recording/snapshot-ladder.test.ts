import { expect, it } from "vitest";
import { ladderBase, ladderPath, SnapshotLadder } from "./snapshot-ladder.ts";

it("each snapshot is written against one that is still there, and read through few", () => {
  const ladder = new SnapshotLadder<number>(0);
  for (let k = 1; k <= 3_000; k++) {
    const { index, base } = ladder.push(k);
    expect([index, base]).toEqual([k, ladderBase(k)]);
    const path = ladderPath(k);
    expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(k + 1)));
    path.forEach((each, i) => expect(ladderBase(each)).toBe(path[i - 1] ?? 0));
    expect(path.at(-1)).toBe(k);
  }
});
