/** The maps of what a saver has written, as they go to the file. */
import type { Maps } from "../file/maps.ts";
import { blocksOf } from "../beside.ts";
import type { Saver } from "./saver-state.ts";

export function mapsOf(self: Saver): Maps {
  const count = blocksOf(self.config);
  const storageOf = new Int32Array(count).fill(-1);
  const { written: all } = self.volatile;
  all.forEach(({ blocks }, number) => blocks.forEach((block) => (storageOf[block] = number)));
  const isBackground = self.config.workingSet !== undefined;
  const storageBlocks = all.map((written, number) => ({
    ...written,
    checksum: BigInt(written.checksum),
    // What was saved in the background and then again: only the last counts.
    blocks: written.blocks.map((block) =>
      isBackground && storageOf[block] !== number ? count : block,
    ),
  }));
  return { storageBlocks, blocks: storageOf.length, storageOf: (block) => storageOf[block]! };
}
