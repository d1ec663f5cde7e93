/**
 * Metric series: samples by (entity, series), summed up per interval of simulated time and given out
 * as notices of kind "metric". An observer store: rewound with the world, not in the root.
 */
import type { Entity } from "./entity.ts";
import type { PlainObject } from "./plain.ts";
import { Records } from "./stores/records.ts";
import type { World } from "./world.ts";

interface Series {
  readonly entity: number;
  readonly series: string;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Samples per bucket: eight buckets an octave, so a quantile is within 9 %. */
  buckets: { [bucket: string]: number };
}

/** One interval of one series, as the trace keeps it. */
export type MetricPoint = {
  readonly series: string;
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p99: number;
};

export class Metrics {
  readonly store = new Records();
  readonly #world: World;
  /** Ids of series by entity: an index. */
  #ids: (Map<string, number> | undefined)[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  add(entity: Entity, series: string, value: number): void {
    const id = this.#idOf(entity, series);
    const record = this.store.edit(id) as unknown as Series;
    record.min = record.count === 0 ? value : Math.min(record.min, value);
    record.max = record.count === 0 ? value : Math.max(record.max, value);
    record.count++;
    record.sum += value;
    const bucket = bucketOf(value);
    record.buckets[bucket] = (record.buckets[bucket] ?? 0) + 1;
  }

  /** Ends an interval: one notice a series that had samples. */
  emit(fromNs: number, toNs: number): void {
    for (let id = 0; id < this.store.used; id++) {
      const record = this.store.get(id) as unknown as Series;
      if (record.count === 0) continue;
      const { series, count, sum, min, max } = record;
      const p50 = quantile(record, 0.5);
      const p99 = quantile(record, 0.99);
      const point: MetricPoint = { series, fromNs, toNs, count, sum, min, max, p50, p99 };
      const entity = this.#world.entityOrNone(record.entity);
      this.store.set(id, emptySeries(record.entity, series));
      if (entity) this.#world.notice(entity, "metric", point);
    }
  }

  /** After a restore. */
  reindex(): void {
    this.#ids = [];
    for (let id = 0; id < this.store.used; id++) {
      const { entity, series } = this.store.get(id) as unknown as Series;
      (this.#ids[entity] ??= new Map()).set(series, id);
    }
  }

  #idOf(entity: Entity, series: string): number {
    const known = this.#ids[entity.id]?.get(series);
    if (known !== undefined) return known;
    const id = this.store.used;
    this.store.set(id, emptySeries(entity.id, series));
    (this.#ids[entity.id] ??= new Map()).set(series, id);
    return id;
  }
}

function emptySeries(entity: number, series: string): PlainObject {
  return { entity, series, count: 0, sum: 0, min: 0, max: 0, buckets: {} };
}

/** Octave and eighth of it, exactly, without a logarithm; 0 holds what is below 8. */
function bucketOf(value: number): number {
  let scaled = Math.max(0, Math.floor(value));
  if (scaled < 8) return scaled;
  let octave = 1;
  while (scaled >= 4_294_967_296) {
    scaled = Math.floor(scaled / 65_536);
    octave += 16;
  }
  const shift = 28 - Math.clz32(scaled);
  return (octave + shift) * 8 + ((scaled >>> shift) & 7);
}

/** Middle of a bucket. */
function bucketValue(bucket: number): number {
  if (bucket < 8) return bucket;
  const shift = Math.floor(bucket / 8) - 1;
  let value = 8 + (bucket & 7) + 0.5;
  for (let i = 0; i < shift; i++) value *= 2;
  return value;
}

function quantile(record: Series, q: number): number {
  const buckets = Object.keys(record.buckets)
    .map(Number)
    .sort((a, b) => a - b);
  let left = q * record.count;
  for (const bucket of buckets) {
    left -= record.buckets[bucket]!;
    if (left <= 0) return Math.min(record.max, Math.max(record.min, bucketValue(bucket)));
  }
  return record.max;
}
