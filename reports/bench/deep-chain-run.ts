// Guest requests through a deep chain of redo logs, in a process of its own; prints what they cost as
// JSON. Arguments: requests and layers. Two thousand pieces a layer, a third of the requests writes
// that copy up, nothing checked.
import { argv, cpuUsage } from "node:process";
import { chainOf, diskBench } from "../../core/disks/testing/index.ts";

export interface ChainFigures {
  readonly answered: number;
  readonly events: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

const SECTORS = 262_144;
const PIECES = 2_000;
const [requests, depth] = [Number(argv[2] ?? 1_000_000), Number(argv[3] ?? 16)];

let state = 99;
const next = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % below;
};
const layers = chainOf(depth, SECTORS);
layers.forEach(({ content }, layer) => {
  for (let piece = 0; piece < PIECES; piece++) {
    content.writeStamps(next(SECTORS - 8), 8, 1_000_000 * (layer + 1) + 16 * piece + 1);
  }
});
const load = { requests, outstanding: 8, thinkNs: 0, regionSectors: SECTORS, longest: 16 };
const bench = diskBench({
  layers,
  sectors: SECTORS,
  grainSectors: 128,
  checked: false,
  serviceNs: 20_000,
  load: { ...load, reads: 60, discards: 1, flushes: 1 },
});
bench.start();
const before = cpuUsage();
const started = performance.now();
bench.world.run();
const wallSeconds = (performance.now() - started) / 1_000;
const { user, system } = cpuUsage(before);
const figures: ChainFigures = {
  answered: bench.instance.volatile.answered,
  events: bench.world.eventCount,
  wallSeconds,
  cpuSeconds: (user + system) / 1_000_000,
};
console.log(JSON.stringify(figures));
