/**
 * How long guest requests through a deep chain of redo logs take: `npx tsx scripts/deep-chain.ts
 * [requests] [layers]`. Sixteen layers with two thousand pieces each, a third of the requests writes
 * that copy up, nothing checked.
 */
import { chainOf, diskBench } from "../core/disks/testing/index.ts";

const SECTORS = 262_144;
const PIECES = 2_000;
const requests = Number(process.argv[2] ?? 1_000_000);
const depth = Number(process.argv[3] ?? 16);

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
const before = process.cpuUsage();
const started = process.hrtime.bigint();
bench.world.run();
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const cpu = process.cpuUsage(before).user / 1e6;
const { answered } = bench.instance.volatile;
const events = bench.world.eventCount;
console.log(
  `${answered} requests, ${depth} layers, ${events} events: ` +
    `${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of processor time`,
);
