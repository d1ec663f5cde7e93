/**
 * Records a run while it happens: draws as results per stream, live inputs, what is worth reading
 * (operations, faults, violations, metrics), epoch roots, and snapshots wherever re-executing since
 * the last one would cost more than 50 ms of work. Must hold: recording changes no root, and memory
 * does not grow with the log.
 */
import {
  captureWorld,
  encodeImage,
  hashHex,
  type DrawSink,
  type Epoch,
  type Notice,
  type Plain,
  type PlainObject,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { BOUNDARY_NOTICE, type BoundaryEntry as GuestBoundaryEntry } from "../../core/vmm/index.ts";
import {
  chunkKinds,
  encodePlain,
  type Plain as TracePlain,
  type TraceWriter,
} from "../format/index.ts";
import {
  type EpochRecord,
  INPUT_FILE,
  type InputRow,
  KEPT_NOTICES,
  type NoticeRow,
  type OutputHash,
  STREAMS,
  WORLD_OWNER,
} from "../trace-chunks.ts";
import { BoundaryLog } from "./boundary-log.ts";
import { MemoryPages } from "./memory-pages.ts";
import { SnapshotLadder } from "./snapshot-ladder.ts";

/** Work units (about a microsecond each) that a seek may have to re-execute: about 50 ms. */
const SNAPSHOT_WORK = 1 << 15;
/** A large snapshot must pay for itself: so many bytes of it for one event of distance. */
const SNAPSHOT_BYTES_PER_EVENT = 16;
/** Pages of real guests are neither compared nor compressed: a byte of them costs less. */
const PAGE_SHARE = 1 / 2;
/** How often the recorder looks whether a snapshot is due, in events. */
export const PAUSE_EVENTS = 1 << 12;
const NOTICES_PER_CHUNK = 2_048;
/** With `seed` logging, epochs and snapshots beyond this many double in spacing. */
const SEED_LOG_DENSE = 4_096;

export interface RecorderOptions {
  readonly writer: TraceWriter;
  /** VM ids: their draws are kept apart, so that a VM can be replayed alone. */
  readonly vms: readonly string[];
  /** `full` logs every result; `seed` leaves out what the seed predicts. */
  readonly log: "full" | "seed";
  /** Running output hash of each VM, read at each epoch. */
  readonly outputs: (world: World) => { readonly [vm: string]: OutputHash };
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #boundary: BoundaryLog;
  readonly #pages: MemoryPages;
  #world: World | undefined;
  #ladder: SnapshotLadder<WorldImage> | undefined;
  /** Draws that building the world made, when they were too many to stay in the gate. */
  #early: (readonly [Uint32Array, Float64Array])[] = [];
  #notices: NoticeRow[] = [];
  #inputs: InputRow[] = [];
  #inputsTaken = 0;
  #streamsWritten = 0;
  /** Index into `vms` plus one of each stream's owner; 0 is the world. */
  #owners: number[] = [];
  #drawsWritten = 0;
  #lastSnapshotWork = 0;
  #lastSnapshotBytes = 0;
  #snapshotsSkipped = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#boundary = new BoundaryLog(options.writer);
    this.#pages = new MemoryPages(options.writer);
  }

  /** Goes into the gate's options when the world is built. */
  readonly sink: DrawSink = (streams, results) => this.#onDraws(streams, results);

  /** Starts recording a freshly built world. */
  attach(world: World): void {
    this.#world = world;
    for (const [streams, results] of this.#early) this.#onDraws(streams, results);
    this.#early = [];
    world.memories.sendPagesTo((hash, bytes) => this.#pages.add(hash, bytes));
    this.#ladder = new SnapshotLadder(captureWorld(world));
    world.hooks.onNotice = (notice) => this.#onNotice(notice);
    world.hooks.onEpoch = (epoch) => this.#onEpoch(epoch);
    world.hooks.onPause = () => this.#snapshotIfDue();
  }

  /** Embeds an input that the scenario reads, so that the trace is whole without it. */
  embed(meta: { readonly [name: string]: string }, bytes: Uint8Array): void {
    this.#options.writer.append(INPUT_FILE, meta, bytes.slice());
  }

  /** Live input: takes effect now, and is logged with the place where it did. */
  inject(target: string, handler: string, arg: Plain): void {
    const world = this.#world!;
    this.#inputsTaken++;
    const { eventCount: event, timeNs } = world;
    this.#inputs.push({ event, timeNs, target, handler, arg });
    injectInput(world, target, handler, arg);
  }

  /** Ends the trace. `summary` goes into its last chunk. */
  async close(outcome: string, summary: { readonly [name: string]: Plain }): Promise<void> {
    // An interrupted run ends between two epochs: what it drew since the last one goes too.
    this.#world?.gate.flush();
    this.#flush();
    await this.#options.writer.close(outcome, summary as { [name: string]: TracePlain });
  }

  get bytesWritten(): number {
    return this.#options.writer.bytesWritten;
  }

  #onDraws(streams: Uint32Array, results: Float64Array): void {
    if (this.#world === undefined) {
      this.#early.push([streams.slice(), results.slice()]);
      return;
    }
    const first = this.#drawsWritten;
    this.#drawsWritten += streams.length;
    if (this.#options.log === "seed") return;
    this.#writeStreamNames();
    const { writer, vms } = this.#options;
    this.#byOwner(streams, results).forEach(([ids, values], number) => {
      const owner = number === 0 ? WORLD_OWNER : vms[number - 1]!;
      const column = { type: "streams", streams: ids, values } as const;
      writer.appendColumns(
        chunkKinds.draws,
        { owner, first, count: ids.length },
        { draws: column },
      );
    });
  }

  /** The draws of each owner that made any, in fresh arrays, by number of the owner. */
  #byOwner(
    streams: Uint32Array,
    results: Float64Array,
  ): ReadonlyMap<number, readonly [Uint32Array, Float64Array]> {
    const counts = new Uint32Array(this.#options.vms.length + 1);
    const owners = this.#owners;
    for (const stream of streams) counts[owners[stream]!]!++;
    const parts = new Map<number, readonly [Uint32Array, Float64Array]>();
    counts.forEach((count, owner) => {
      if (count === streams.length) parts.set(owner, [streams.slice(), results.slice()]);
      else if (count > 0) parts.set(owner, [new Uint32Array(count), new Float64Array(count)]);
    });
    if (parts.size === 1) return parts;
    counts.fill(0);
    for (let i = 0; i < streams.length; i++) {
      const owner = owners[streams[i]!]!;
      const [ids, values] = parts.get(owner)!;
      const at = counts[owner]!++;
      ids[at] = streams[i]!;
      values[at] = results[i]!;
    }
    return parts;
  }

  #writeStreamNames(): void {
    const gate = this.#world!.gate;
    const entities: string[] = [];
    const purposes: string[] = [];
    for (let index = this.#streamsWritten; index < gate.streamCount; index++) {
      const { entity, purpose } = gate.streamName(index);
      entities.push(entity);
      purposes.push(purpose);
      this.#owners.push(this.#options.vms.indexOf(entity) + 1);
    }
    if (entities.length === 0) return;
    const first = this.#streamsWritten;
    this.#streamsWritten = gate.streamCount;
    this.#options.writer.appendColumns(
      STREAMS,
      { first },
      {
        entity: { type: "strings", values: entities },
        purpose: { type: "strings", values: purposes },
      },
    );
  }

  #onNotice(notice: Notice): void {
    if (notice.kind === BOUNDARY_NOTICE) return this.#onBoundary(notice);
    if (!KEPT_NOTICES.has(notice.kind)) return;
    const { event, timeNs, entity, kind, data } = notice;
    this.#notices.push([event, timeNs, entity, kind, data]);
    if (this.#notices.length >= NOTICES_PER_CHUNK) this.#flushNotices();
  }

  /** What a guest received goes to its own log: (progress, kind, payload). */
  #onBoundary({ data }: Notice): void {
    const { vm, step, nowNs, input, draws, count } = data as unknown as GuestBoundaryEntry & {
      readonly count?: number;
    };
    const counted = count === undefined ? {} : { count };
    const drawn = draws === undefined ? {} : { draws };
    const payload = { nowNs, ...counted, ...drawn, input: input as unknown as PlainObject };
    this.#boundary.add(vm, { progress: step, kind: input.kind, payload });
  }

  #onEpoch({ index, event, timeNs, stateRoot }: Epoch): void {
    this.#flush();
    if (!this.#isKept(index)) return;
    const outputs = this.#options.outputs(this.#world!);
    const record: EpochRecord = { index, event, timeNs, stateRoot: hashHex(stateRoot), outputs };
    this.#options.writer.appendPlain(chunkKinds.epoch, { index, event, timeNs }, record);
  }

  #snapshotIfDue(): void {
    const world = this.#world!;
    const work = world.eventCount + world.extraWork - this.#lastSnapshotWork;
    const size = this.#lastSnapshotBytes / SNAPSHOT_BYTES_PER_EVENT;
    if (work < Math.max(SNAPSHOT_WORK, size)) return;
    this.#lastSnapshotWork = world.eventCount + world.extraWork;
    if (this.#isKept(this.#ladder!.count + this.#snapshotsSkipped)) this.#snapshot();
    else this.#snapshotsSkipped++;
  }

  #snapshot(): void {
    const world = this.#world!;
    world.gate.flush();
    this.#flush();
    const before = this.#pages.bytes;
    const image = captureWorld(world);
    this.#pages.flush();
    const { index, base } = this.#ladder!.push(image);
    const delta = encodePlain(encodeImage(world, image, base) as TracePlain);
    this.#lastSnapshotBytes = delta.length + (this.#pages.bytes - before) * PAGE_SHARE;
    const { eventCount: event, timeNs, isBetween } = world;
    const { draws } = world.gate.counts();
    const between = isBetween ? { between: true } : {};
    const meta = { index, event, timeNs, draws, inputs: this.#inputsTaken, ...between };
    this.#options.writer.append(chunkKinds.snapshot, meta, delta);
  }

  /** With `seed` logging the number of epochs and snapshots grows with the logarithm of time. */
  #isKept(index: number): boolean {
    if (this.#options.log === "full" || index < SEED_LOG_DENSE) return true;
    let spacing = 1;
    while (index >= SEED_LOG_DENSE * spacing) spacing *= 2;
    return index % spacing === 0;
  }

  #flush(): void {
    this.#flushNotices();
    this.#boundary.flush();
    if (this.#inputs.length === 0) return;
    this.#options.writer.appendPlain(chunkKinds.inputs, {}, this.#inputs as TracePlain);
    this.#inputs = [];
  }

  #flushNotices(): void {
    if (this.#notices.length === 0) return;
    const count = this.#notices.length;
    this.#options.writer.appendPlain(chunkKinds.notices, { count }, this.#notices as TracePlain);
    this.#notices = [];
  }
}

/** Live input as an event of its own, at the present instant. */
export function injectInput(world: World, target: string, handler: string, arg: Plain): void {
  world.schedule(world.named(target), 0, handler, arg);
}
