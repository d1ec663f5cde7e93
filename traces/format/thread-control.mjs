// The memory that a trace writer and its thread share. The simulation never returns to the event
// loop while it runs, so it learns of the thread only by looking here, and waits here.
const errorBytes = 1024;
const headBytes = 32;

export const threadStates = Object.freeze({ starting: 0, ready: 1, closed: 2, failed: 3 });

const state = 0;
const inFlight = 1;
const errorLength = 2;
const taken = 3;

export class ThreadControl {
  #words;
  #written;
  #error;

  constructor(shared = new SharedArrayBuffer(headBytes + errorBytes)) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, 4);
    this.#written = new BigInt64Array(shared, 16, 1);
    this.#error = new Uint8Array(shared, headBytes);
  }

  get state() {
    return Atomics.load(this.#words, state);
  }

  set state(next) {
    Atomics.store(this.#words, state, next);
    Atomics.notify(this.#words, state);
    Atomics.notify(this.#words, inFlight);
    Atomics.notify(this.#words, taken);
  }

  get inFlightBytes() {
    return Atomics.load(this.#words, inFlight);
  }

  addInFlight(bytes) {
    Atomics.add(this.#words, inFlight, bytes);
  }

  removeInFlight(bytes) {
    Atomics.sub(this.#words, inFlight, bytes);
    Atomics.notify(this.#words, inFlight);
  }

  /** Messages that the thread has carried out, as a number of 32 bits. */
  get taken() {
    return Atomics.load(this.#words, taken);
  }

  countTaken() {
    Atomics.add(this.#words, taken, 1);
    Atomics.notify(this.#words, taken);
  }

  get bytesWritten() {
    return Number(Atomics.load(this.#written, 0));
  }

  set bytesWritten(bytes) {
    Atomics.store(this.#written, 0, BigInt(bytes));
  }

  /** The thread's last words. */
  fail(message) {
    const bytes = new TextEncoder().encode(message).subarray(0, errorBytes);
    this.#error.set(bytes);
    Atomics.store(this.#words, errorLength, bytes.length);
    this.state = threadStates.failed;
  }

  get error() {
    const length = Atomics.load(this.#words, errorLength);
    return new TextDecoder().decode(this.#error.slice(0, length));
  }

  /** Blocks until bytes in flight or state are no longer as given, or the time is over. */
  waitInFlight(seen, milliseconds) {
    Atomics.wait(this.#words, inFlight, seen, milliseconds);
  }

  waitTaken(seen, milliseconds) {
    Atomics.wait(this.#words, taken, seen, milliseconds);
  }

  waitState(seen, milliseconds) {
    Atomics.wait(this.#words, state, seen, milliseconds);
  }
}
