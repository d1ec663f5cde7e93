/**
 * What a large thin disk costs: 4 TiB, with 10^6 blocks of 4 KiB written at random places. Prints the
 * memory and the time as JSON. Run it with `node --expose-gc --import tsx scripts/thin-disk.ts`.
 */
import { SectorContent } from "../core/kernel/index.ts";

const BLOCKS = 1_000_000;
const BLOCK_SECTORS = 8;
const DISK_SECTORS = 2 ** 33;
const MIB = 2 ** 20;

function measure(): void {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("needs --expose-gc");
  collect();
  const before = process.memoryUsage().heapUsed;
  const disk = new SectorContent(DISK_SECTORS);
  const startedMs = performance.now();
  let seed = 12_345;
  for (let block = 0; block < BLOCKS; block++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const place = Math.floor((seed / 2 ** 32) * (DISK_SECTORS / BLOCK_SECTORS));
    disk.writeStamps(place * BLOCK_SECTORS, BLOCK_SECTORS, 1 + block * BLOCK_SECTORS);
  }
  const ms = Math.round(performance.now() - startedMs);
  collect();
  const heapMiB = Math.round((process.memoryUsage().heapUsed - before) / MIB);
  console.log(JSON.stringify({ blocks: BLOCKS, sectors: disk.allocatedSectors, heapMiB, ms }));
}

measure();
