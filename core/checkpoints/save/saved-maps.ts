/** The maps of what a saver has written, as they go to the file. */
import type { Maps } from "../file/maps.ts";
import { blocksOf } from "../beside.ts";
import type { Saver } from "./saver-state.ts";

export function mapsOf(self: Saver): Maps {
  const storageOf = new Int32Array(blocksOf(self.config)).fill(-1);
  const storageBlocks = self.volatile.written.map((written, number) => {
    for (const block of written.blocks) storageOf[block] = number;
    return { ...written, checksum: BigInt(written.checksum) };
  });
  return { storageBlocks, blocks: storageOf.length, storageOf: (block) => storageOf[block]! };
}
