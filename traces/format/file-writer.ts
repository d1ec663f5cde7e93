// Writes a trace file. Short runs write on the spot; once enough was written a thread is started,
// and when it is ready (the run goes on meanwhile) it takes over: compression, hashing and writing
// then cost the simulation nothing but moving buffers. What is in flight is bounded: a producer
// that is too fast blocks. A thread's file equals the one written on the spot, byte for byte.
import assert from "node:assert";
import { closeSync, openSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Column, ColumnSet } from "./encode-columns.mjs";
import { FrameSink, type WriteCodec } from "./frame-sink.mjs";
import { encodeHeader, type TraceHeader } from "./header.ts";
import { chunkKinds, type ChunkKind } from "./layout.mjs";
import { encodePlain, type Plain, type PlainMap } from "./plain.ts";
import { ThreadControl, threadStates } from "./thread-control.mjs";
import { appender } from "./write-fully.mjs";
import {
  LENT_BYTES,
  checkColumns,
  checkedMeta,
  checkPayload,
  TraceWriteError,
  type TraceWriter,
} from "./writer.ts";

export interface FileWriterOptions {
  /** Bytes appended before a thread is started; `Infinity` for never. */
  readonly threadAfterBytes?: number;
  /** Bytes that may be on their way to the thread. */
  readonly inFlightBytes?: number;
}

type Message =
  | {
      readonly type: "payload";
      readonly kind: ChunkKind;
      readonly meta: Uint8Array;
      readonly payload: Uint8Array;
      readonly codec: WriteCodec;
    }
  | {
      readonly type: "columns";
      readonly kind: ChunkKind;
      readonly meta: Uint8Array;
      readonly columns: ColumnSet;
    }
  | { readonly type: "finish" };

const threadAfterBytes = 1024 * 1024;
/** What is not compressed costs a fraction of what is. */
const rawShare = 1 / 32;
const inFlightBytes = 16 * 1024 * 1024;
const MOST_LENT = 8;
/** A thread that neither takes bytes nor fails for so long is taken for dead. */
const patienceMs = 60_000;
const WAIT_MS = 1_000;

/** Start is paid once per long run: about 40 ms of another core, see README.md. */
function startThread(control: ThreadControl, file: number): Worker {
  const worker = new Worker(new URL("./writer-thread.mjs", import.meta.url), {
    workerData: { shared: control.shared, file },
    execArgv: [],
    name: "trace writer",
  });
  worker.unref();
  // Noticed through the state: an unhandled `error` event would end the process.
  worker.on("error", (error: Error) => control.fail(error.message));
  worker.on("exit", () => {
    const { closed, failed } = threadStates;
    if (control.state === closed || control.state === failed) return;
    control.fail("the writer's thread ended early");
  });
  return worker;
}

/** The array itself when its buffer is its own, so that it can be moved; else a copy. */
function movable<T extends Uint8Array | Uint32Array | Float64Array>(array: T): T {
  const own =
    array.buffer instanceof ArrayBuffer &&
    array.byteOffset === 0 &&
    array.byteLength === array.buffer.byteLength;
  if (own) return array;
  // A Buffer's own slice would be a view of the same memory.
  return (array instanceof Uint8Array ? new Uint8Array(array) : array.slice()) as T;
}

function movableColumn(column: Column, moved: Set<ArrayBuffer>): Column {
  if (column.type === "strings") return column;
  const values = movable(column.values);
  moved.add(values.buffer as ArrayBuffer);
  if (column.type !== "streams") return { ...column, values } as Column;
  const streams = movable(column.streams);
  moved.add(streams.buffer as ArrayBuffer);
  return { ...column, streams, values: values as Float64Array };
}

/** Shared with the thread, so that nothing is moved and no memory is fresh. */
interface Lent {
  readonly bytes: Uint8Array;
  /** Number of the message whose end gives it back. */
  until: number;
}

class FileTraceWriter implements TraceWriter {
  readonly #file: number;
  readonly #sink: FrameSink;
  readonly #control = new ThreadControl();
  readonly #threadAfterBytes: number;
  readonly #inFlightBytes: number;
  #appended = 0;
  /** Messages sent to the thread. */
  #sent = 0;
  /** Buffers, those lent longest ago first. */
  #lent: Lent[] = [];
  #worker: Worker | undefined;
  /** Who writes: this thread, the other one, or nobody any more. */
  #stage: "here" | "thread" | "closed" = "here";
  /** Why nothing can be written any more: told again at every later call. */
  #failure: string | undefined;

  constructor(file: number, header: TraceHeader, options: FileWriterOptions) {
    this.#file = file;
    this.#sink = new FrameSink(appender(file, 0));
    this.#threadAfterBytes = options.threadAfterBytes ?? threadAfterBytes;
    this.#inFlightBytes = options.inFlightBytes ?? inFlightBytes;
    this.#guarded(() => this.#sink.begin(encodeHeader(header)));
  }

  get bytesWritten(): number {
    return Math.max(this.#sink.state.offset, this.#control.bytesWritten);
  }

  append(kind: ChunkKind, meta: PlainMap, payload: Uint8Array, codec: WriteCodec = "fast"): void {
    const metaBytes = checkedMeta(kind, meta);
    checkPayload(kind, payload);
    const size = payload.length + 64;
    if (this.#here(size)) {
      this.#guarded(() => this.#sink.append(kind, metaBytes, payload, codec));
      return;
    }
    const moved = movable(payload);
    const message: Message = { type: "payload", kind, meta: metaBytes, payload: moved, codec };
    this.#post(message, size, [moved.buffer as ArrayBuffer]);
  }

  appendPlain(kind: ChunkKind, meta: PlainMap, value: Plain, codec: WriteCodec = "fast"): void {
    this.append(kind, meta, encodePlain(value), codec);
  }

  lend(): Uint8Array {
    const [oldest] = this.#lent;
    if (oldest === undefined || (!this.#isTaken(oldest) && this.#lent.length < MOST_LENT)) {
      const bytes = new Uint8Array(new SharedArrayBuffer(LENT_BYTES));
      this.#lent.unshift({ bytes, until: this.#control.taken });
      return bytes;
    }
    this.#patiently(
      () => this.#control.taken,
      (seen) => this.#control.waitTaken(seen, WAIT_MS),
      () => this.#isTaken(oldest),
    );
    return oldest.bytes;
  }

  appendLent(kind: ChunkKind, meta: PlainMap, lent: Uint8Array, length: number): void {
    const metaBytes = checkedMeta(kind, meta);
    const payload = lent.subarray(0, length);
    const size = length + 64;
    if (this.#here(size * rawShare)) {
      this.#guarded(() => this.#sink.append(kind, metaBytes, payload, "raw"));
      return;
    }
    const at = this.#lent.findIndex(({ bytes }) => bytes === lent);
    assert(at >= 0, "a buffer that was lent");
    const [entry] = this.#lent.splice(at, 1);
    this.#post({ type: "payload", kind, meta: metaBytes, payload, codec: "raw" }, size, []);
    this.#lent.push({ ...entry!, until: this.#sent });
  }

  #isTaken({ until }: Lent): boolean {
    // Both count in 32 bits.
    return ((until - this.#control.taken) | 0) <= 0;
  }

  appendColumns(kind: ChunkKind, meta: PlainMap, columns: ColumnSet): void {
    const metaBytes = checkedMeta(kind, meta);
    const size = checkColumns(kind, columns);
    if (this.#here(size)) {
      this.#guarded(() => this.#sink.appendColumns(kind, metaBytes, columns));
      return;
    }
    const moved = new Set<ArrayBuffer>();
    const entries = Object.entries(columns);
    const own = entries.map(([name, column]) => [name, movableColumn(column, moved)] as const);
    const sent = Object.fromEntries(own);
    this.#post({ type: "columns", kind, meta: metaBytes, columns: sent }, size, [...moved]);
  }

  /** Counts the bytes, starts the thread or hands over to it when due; true to write here. */
  #here(size: number): boolean {
    if (this.#failure !== undefined) throw new TraceWriteError(this.#failure);
    assert(this.#stage !== "closed", "the trace is closed");
    if (this.#stage === "thread") return false;
    this.#appended += size;
    if (this.#worker === undefined) {
      if (this.#appended > this.#threadAfterBytes) {
        this.#worker = startThread(this.#control, this.#file);
      }
      return true;
    }
    // A thread that failed to start is no loss: nothing was handed to it.
    if (this.#control.state !== threadStates.ready) return true;
    this.#control.bytesWritten = this.#sink.state.offset;
    this.#sent = (this.#sent + 1) | 0;
    this.#worker.postMessage({ type: "state", state: this.#sink.state, size: 0 });
    this.#stage = "thread";
    return false;
  }

  #post(message: Message, size: number, moved: readonly ArrayBuffer[]): void {
    const control = this.#control;
    const hasRoom = (): boolean => {
      const { inFlightBytes: inFlight } = control;
      return inFlight === 0 || inFlight + size <= this.#inFlightBytes;
    };
    this.#patiently(
      () => control.inFlightBytes,
      (seen) => control.waitInFlight(seen, WAIT_MS),
      hasRoom,
    );
    control.addInFlight(size);
    this.#sent = (this.#sent + 1) | 0;
    this.#worker!.postMessage({ ...message, size }, moved);
  }

  /** Waits for the thread, unless it has failed or stands still. */
  #patiently(look: () => number, wait: (seen: number) => void, isDone: () => boolean): void {
    for (let waitedMs = 0; !isDone();) {
      this.#throwIfFailed();
      const seen = look();
      if (isDone()) break;
      wait(seen);
      waitedMs = look() === seen ? waitedMs + WAIT_MS : 0;
      if (waitedMs > patienceMs) this.#control.fail("the writer's thread stands still");
    }
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#control.state !== threadStates.failed) return;
    this.#fail(this.#control.error);
  }

  #fail(reason: string): never {
    this.#failure = `the trace cannot be written: ${reason}`;
    this.#release();
    throw new TraceWriteError(this.#failure);
  }

  /** Runs a write of this thread; after a failure nothing more is written. */
  #guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (error instanceof Error && "errno" in error) this.#fail(error.message);
      this.#release();
      throw error;
    }
  }

  #release(): void {
    if (this.#stage === "closed") return;
    this.#stage = "closed";
    closeSync(this.#file);
    void this.#worker?.terminate();
  }

  /** Appends the end; true when the thread was told to finish and must be waited for. */
  #finish(outcome: string, meta: PlainMap): boolean {
    this.append(chunkKinds.end, { ...meta, outcome }, new Uint8Array(0));
    if (this.#stage === "thread") {
      this.#post({ type: "finish" }, 0, []);
      return true;
    }
    this.#guarded(() => this.#sink.finish());
    this.#release();
    return false;
  }

  #finished(): void {
    if (this.#control.state !== threadStates.closed && this.#control.error === "") {
      this.#control.fail("the writer's thread stands still");
    }
    this.#throwIfFailed();
    this.#release();
  }

  async close(outcome: string, meta: PlainMap = {}): Promise<void> {
    if (!this.#finish(outcome, meta)) return;
    const worker = this.#worker!;
    worker.ref();
    const { closed, failed } = threadStates;
    if (this.#control.state !== closed && this.#control.state !== failed) {
      await new Promise((resolve) => worker.once("exit", resolve));
    }
    this.#finished();
  }

  closeSync(outcome: string, meta: PlainMap = {}): void {
    if (!this.#finish(outcome, meta)) return;
    const control = this.#control;
    let before = -1;
    while (control.state === threadStates.ready && control.bytesWritten !== before) {
      before = control.bytesWritten;
      control.waitState(threadStates.ready, patienceMs);
    }
    this.#finished();
  }
}

/**
 * Creates or replaces the file at `path` and writes its header. Throws what `fs` throws when the
 * file cannot be opened, and `TraceWriteError` from any method when it cannot be written.
 */
export function createTraceFile(
  path: string,
  header: TraceHeader,
  options: FileWriterOptions = {},
): TraceWriter {
  return new FileTraceWriter(openSync(path, "w"), header, options);
}
