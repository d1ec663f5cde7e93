/**
 * The gate: the one place where anything non-deterministic enters the world. Every draw belongs to a
 * named stream (entity, purpose) and has a position in it; its *result* is logged, so a log replays
 * under code that would have drawn differently. Must hold: the same results in the same order give
 * the same draw hash, whether sampled, replayed or steered, recorded or not.
 */
import { assert } from "./assert.ts";
import { hash64 } from "./hash.ts";
import type { PlainObject } from "./plain.ts";
import type { Distribution } from "./random/distributions/distribution.ts";
import type { Sampler } from "./random/distributions/sampler.ts";
import { StreamGenerator } from "./random/stream-generator.ts";
import { type ScenarioSeed, StreamSeeder, type StreamState } from "./random/stream-seed.ts";
import { Records, type RecordsImage } from "./stores/records.ts";
import type { Store } from "./stores/store.ts";
import { Table, type TableImage } from "./stores/table.ts";

/** Results of a recorded run. */
export interface DrawSource {
  /** Result at `position` of the stream; undefined when unknown or past its end. */
  at(entity: string, purpose: string, position: number): number | undefined;
}

/** A chooser in place of chance: fast-check, the explorer, a person. Undefined means: sample. */
export type Steer = (draw: {
  readonly entity: string;
  readonly purpose: string;
  readonly position: number;
  readonly distribution: Distribution;
}) => number | undefined;

/** Receives results in order; the arrays are views that are reused after the call returns. */
export type DrawSink = (streams: Uint32Array, results: Float64Array) => void;

export interface GateOptions {
  readonly seed: ScenarioSeed;
  /** Initial stream states from the operating system (`--entropy os`) in place of the seed. */
  readonly entropy?: (entity: string, purpose: string) => StreamState;
  readonly replay?: DrawSource;
  readonly steer?: Steer;
  readonly sink?: DrawSink;
  /** A draw that a replayed log does not hold. */
  readonly onNew?: (entity: string, purpose: string, position: number, result: number) => void;
}

export interface GateCounts {
  readonly draws: number;
  readonly fromLog: number;
  readonly fromSeed: number;
  /** Sampled although a log is being replayed. */
  readonly fresh: number;
}

const BUFFER = 1 << 16;
/** Results are hashed in blocks of this many, so that the hash does not depend on flushes. */
const BLOCK = 1 << 10;

const COLUMNS = { x: "u32", y: "u32", z: "u32", w: "u32", draws: "f64" } as const;

export interface GateImage {
  readonly streams: TableImage;
  readonly names: RecordsImage;
  readonly draws: number;
  /** Hash of the whole blocks so far, as two 32-bit words, and the block that is not yet whole. */
  readonly chain: Uint8Array;
  readonly blockStreams: Uint8Array;
  readonly blockResults: Uint8Array;
}

/** One named stream. Entities cache it; its saved form is a row of the gate's table. */
export class Stream {
  readonly index: number;
  readonly entity: string;
  readonly purpose: string;
  readonly generator: StreamGenerator;
  /** Position of the next draw. */
  draws = 0;
  unsaved = true;
  /** Restore count of the gate for which this object is valid. */
  generation: number;
  readonly #gate: Gate;

  constructor(
    gate: Gate,
    index: number,
    entity: string,
    purpose: string,
    generator: StreamGenerator,
  ) {
    this.#gate = gate;
    this.generation = gate.generation;
    this.index = index;
    this.entity = entity;
    this.purpose = purpose;
    this.generator = generator;
  }

  /** One result of a prepared distribution. */
  draw(sampler: Sampler): number {
    const gate = this.#gate;
    const result = gate.plainSampling ? sampler.draw(this.generator) : gate.choose(this, sampler);
    this.draws++;
    if (!this.unsaved) gate.markUnsaved(this);
    gate.log(this.index, result);
    return result;
  }
}

export class Gate implements Store<GateImage> {
  readonly options: GateOptions;
  /** Nothing but the streams decides: the fast path. */
  readonly plainSampling: boolean;

  /** Counts restores: a `Stream` cached before one may stand for another position. */
  generation = 0;

  readonly #seeder: StreamSeeder;
  readonly #table = new Table(COLUMNS);
  readonly #names = new Records();
  #streams: Stream[] = [];
  #byName = new Map<string, Stream>();
  #unsaved: Stream[] = [];

  #bufferStreams = new Uint32Array(BLOCK);
  #bufferResults = new Float64Array(BLOCK);
  #buffered = 0;
  /** Everything below is in the chain; a multiple of BLOCK. */
  #hashed = 0;
  /** Everything below was handed to the sink. */
  #delivered = 0;
  #drawsBeforeBuffer = 0;
  #chain = 0n;

  #fromLog = 0;
  #fresh = 0;

  constructor(options: GateOptions) {
    this.options = options;
    this.#seeder = new StreamSeeder(options.seed);
    this.plainSampling = options.replay === undefined && options.steer === undefined;
  }

  counts(): GateCounts {
    const draws = this.#drawsBeforeBuffer + this.#buffered;
    const fromLog = this.#fromLog;
    return { draws, fromLog, fromSeed: draws - fromLog - this.#fresh, fresh: this.#fresh };
  }

  stream(entity: string, purpose: string): Stream {
    const key = `${entity}\n${purpose}`;
    return this.#byName.get(key) ?? this.#open(key, entity, purpose);
  }

  streamName(index: number): { readonly entity: string; readonly purpose: string } {
    const { entity, purpose } = this.#streams[index]!;
    return { entity, purpose };
  }

  /** Draws made so far, by index of the stream. */
  streamDraws(): readonly number[] {
    return this.#streams.map(({ draws }) => draws);
  }

  get streamCount(): number {
    return this.#streams.length;
  }

  /** Used by {@link Stream.draw} when a log or a chooser stands in for chance. */
  choose(stream: Stream, sampler: Sampler): number {
    const { replay, steer, onNew } = this.options;
    const { entity, purpose, draws: position } = stream;
    if (replay !== undefined) {
      const logged = replay.at(entity, purpose, position);
      if (logged !== undefined) {
        this.#fromLog++;
        return logged;
      }
      this.#fresh++;
      const result = sampler.draw(stream.generator);
      onNew?.(entity, purpose, position, result);
      return result;
    }
    const distribution = sampler.distribution;
    const chosen = steer?.({ entity, purpose, position, distribution });
    return chosen ?? sampler.draw(stream.generator);
  }

  log(stream: number, result: number): void {
    const at = this.#buffered;
    this.#bufferStreams[at] = stream;
    this.#bufferResults[at] = result;
    this.#buffered = at + 1;
    if (at + 1 === this.#bufferStreams.length) this.#makeRoom();
  }

  markUnsaved(stream: Stream): void {
    stream.unsaved = true;
    this.#unsaved.push(stream);
  }

  /** Hands buffered results to the sink: when the buffer is full, at epochs and at the end. */
  flush(): void {
    const from = this.#delivered;
    const to = this.#buffered;
    if (from === to) return;
    const streams = this.#bufferStreams.subarray(from, to);
    this.options.sink?.(streams, this.#bufferResults.subarray(from, to));
    this.#delivered = to;
  }

  /** Hash over all results so far, in the order they were drawn. */
  drawHash(): bigint {
    this.#hashBlocks();
    return this.#extend(this.#chain, this.#hashed, this.#buffered);
  }

  capture(): GateImage {
    this.#save();
    this.#hashBlocks();
    return {
      streams: this.#table.capture(),
      names: this.#names.capture(),
      draws: this.#drawsBeforeBuffer + this.#buffered,
      chain: new Uint8Array(BigUint64Array.of(this.#chain).buffer),
      blockStreams: this.#streamBytes(this.#hashed, this.#buffered).slice(),
      blockResults: this.#resultBytes(this.#hashed, this.#buffered).slice(),
    };
  }

  restore(image: GateImage): void {
    this.flush();
    this.#save();
    this.#table.restore(image.streams);
    this.#names.restore(image.names);
    this.#reopen();
    this.#chain = new BigUint64Array(image.chain.slice().buffer)[0]!;
    const partial = image.blockStreams.length / 4;
    this.#streamBytes(0, partial).set(image.blockStreams);
    this.#resultBytes(0, partial).set(image.blockResults);
    this.#drawsBeforeBuffer = image.draws - partial;
    this.#hashed = 0;
    this.#buffered = partial;
    this.#delivered = partial;
  }

  /** Positions of the streams: a subtree of its own, not part of the state root. */
  digest(): bigint {
    this.#save();
    return this.#table.digest();
  }

  encodeDelta(image: GateImage, base: GateImage | undefined): PlainObject {
    return {
      streams: this.#table.encodeDelta(image.streams, base?.streams),
      names: this.#names.encodeDelta(image.names, base?.names),
      draws: image.draws,
      chain: image.chain,
      blockStreams: image.blockStreams,
      blockResults: image.blockResults,
    };
  }

  applyDelta(base: GateImage | undefined, delta: PlainObject): GateImage {
    const draws = delta["draws"] as number;
    const [chain, blockStreams, blockResults] = ["chain", "blockStreams", "blockResults"].map(
      (name) => delta[name] as Uint8Array,
    ) as [Uint8Array, Uint8Array, Uint8Array];
    assert(Number.isSafeInteger(draws) && chain.length === 8, "gate delta: malformed");
    const partial = blockStreams.length / 4;
    assert(partial < BLOCK && blockResults.length === partial * 8, "gate delta: malformed block");
    return {
      streams: this.#table.applyDelta(base?.streams, delta["streams"] as PlainObject),
      names: this.#names.applyDelta(base?.names, delta["names"] as PlainObject),
      draws,
      chain,
      blockStreams,
      blockResults,
    };
  }

  #open(key: string, entity: string, purpose: string): Stream {
    const state = this.options.entropy?.(entity, purpose) ?? this.#seeder.stateOf(entity, purpose);
    const index = this.#streams.length;
    const stream = new Stream(this, index, entity, purpose, new StreamGenerator(state));
    this.#streams.push(stream);
    this.#byName.set(key, stream);
    this.#unsaved.push(stream);
    this.#names.set(index, { entity, purpose });
    this.#table.ensure(index + 1);
    this.#table.used = index + 1;
    return stream;
  }

  #save(): void {
    const { x, y, z, w, draws } = this.#table.columns;
    for (const stream of this.#unsaved) {
      const at = stream.index;
      const state = stream.generator.save();
      x[at] = state[0];
      y[at] = state[1];
      z[at] = state[2];
      w[at] = state[3];
      draws[at] = stream.draws;
      this.#table.touch(at);
      stream.unsaved = false;
    }
    this.#unsaved = [];
  }

  #reopen(): void {
    const { x, y, z, w, draws } = this.#table.columns;
    this.#byName.clear();
    this.generation++;
    const streams: Stream[] = [];
    for (let at = 0; at < this.#table.used; at++) {
      const name = this.#names.get(at) as { entity: string; purpose: string };
      const state: StreamState = [x[at]!, y[at]!, z[at]!, w[at]!];
      const old = this.#streams[at];
      const same = old?.entity === name.entity && old.purpose === name.purpose;
      const generator = same ? old.generator : new StreamGenerator(state);
      generator.load(state);
      const stream = same ? old : new Stream(this, at, name.entity, name.purpose, generator);
      stream.draws = draws[at]!;
      stream.generation = this.generation;
      stream.unsaved = false;
      streams.push(stream);
      this.#byName.set(`${name.entity}\n${name.purpose}`, stream);
    }
    this.#streams = streams;
  }

  /** A short run never needs the whole buffer. */
  #makeRoom(): void {
    const size = this.#bufferStreams.length;
    if (size === BUFFER) return this.#recycle();
    const streams = new Uint32Array(2 * size);
    streams.set(this.#bufferStreams);
    this.#bufferStreams = streams;
    const results = new Float64Array(2 * size);
    results.set(this.#bufferResults);
    this.#bufferResults = results;
  }

  #recycle(): void {
    this.flush();
    this.#hashBlocks();
    this.#drawsBeforeBuffer += this.#buffered;
    this.#buffered = 0;
    this.#hashed = 0;
    this.#delivered = 0;
  }

  #hashBlocks(): void {
    while (this.#buffered - this.#hashed >= BLOCK) {
      const to = this.#hashed + BLOCK;
      this.#chain = this.#extend(this.#chain, this.#hashed, to);
      this.#hashed = to;
    }
  }

  #extend(chain: bigint, from: number, to: number): bigint {
    return hash64(this.#resultBytes(from, to), hash64(this.#streamBytes(from, to), chain));
  }

  #streamBytes(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#bufferStreams.buffer, from * 4, (to - from) * 4);
  }

  #resultBytes(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#bufferResults.buffer, from * 8, (to - from) * 8);
  }
}
