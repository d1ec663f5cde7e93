// The reference engine: harts and memory behind the interface of engine.ts. It caches nothing, so it is also what the
// compiled engine is measured against when caches are dropped.

import { assert } from "../../../kernel/index.ts";
import { CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS } from "../architecture.ts";
import type { Engine, EngineOptions, PageTrace, RunResult, Stop, Watch } from "../engine.ts";
import { initialHart } from "../initial-state.ts";
import { isPlainWord } from "../plain-words.ts";
import { MAX_HARTS, PAGE_BYTES, RAM_BASE } from "../layout.ts";
import { DeviceAccess } from "./access.ts";
import { NO_RESERVATION } from "./atomics.ts";
import { readCsr, writeCsr } from "./csr.ts";
import { fromBlock, type Hart, type PendingExit, setWordOf, toBlock, wordOf } from "./hart.ts";
import { finishLoad } from "./loads-stores.ts";
import { PhysicalMemory, TracedAccess } from "./memory.ts";
import { accessPlan, execute, fetch, type Fetched, type PhysicalRange } from "./step.ts";
import { enterTrap, interruptToTake, pendingBits, Trap } from "./trap.ts";

const TRACES: readonly PageTrace[] = ["none", "stores", "accesses"];
const BUDGET: Stop = { reason: "budget" };

const stopFor = (exit: PendingExit): Stop => {
  const bytes = 1 << (exit.width & 3);
  return exit.kind === "load"
    ? { reason: "load", address: exit.physical, bytes }
    : { reason: "store", address: exit.physical, bytes, value: exit.value };
};

/** The exit in flight of a load or store that reached a device. */
function suspend(hart: Hart, fetched: Fetched, device: DeviceAccess): PendingExit {
  const access = accessPlan(hart, fetched.word);
  assert(access !== null, "only loads and stores reach devices");
  const { kind, plan } = access;
  const bits = 8 << (plan.width & 3);
  return {
    kind,
    virtual: device.virtual,
    physical: device.physical,
    width: plan.width,
    register: plan.register,
    value: BigInt.asUintN(bits, plan.value),
    length: fetched.length,
  };
}

export class ReferenceEngine implements Engine {
  readonly kind = "reference";
  readonly ramBytes: number;
  readonly harts: number;
  onHostAccess: Engine["onHostAccess"] = null;
  hostMayWait = false;
  hostUndo: Engine["hostUndo"] = null;
  readonly #memory: PhysicalMemory;
  readonly #harts: Hart[];
  #watches: readonly Watch[] = [];
  #breakpoints: ReadonlySet<bigint> = new Set();

  constructor(options: EngineOptions) {
    assert(options.ramBytes % PAGE_BYTES === 0, "RAM is whole pages");
    assert(options.harts >= 1 && options.harts <= MAX_HARTS, "1 to 8 harts");
    this.ramBytes = options.ramBytes;
    this.harts = options.harts;
    this.#memory = new PhysicalMemory(options.ramBytes);
    this.#harts = Array.from({ length: options.harts }, (_, id) =>
      fromBlock(initialHart(id, BigInt(RAM_BASE))),
    );
  }

  get ram(): Uint8Array {
    return this.#memory.bytes;
  }

  #hart(hart: number): Hart {
    const found = this.#harts[hart];
    assert(found !== undefined, "no such hart");
    return found;
  }

  run(hartIndex: number, budget: number, stepOver = false): RunResult {
    const hart = this.#hart(hartIndex);
    assert(hart.pending === null, "the last exit was answered");
    for (let executed = 0; executed < budget;) {
      if (hart.waiting) {
        if ((pendingBits(hart) & hart.mie) === 0n) return { executed, stop: { reason: "wait" } };
        hart.waiting = false;
      }
      const interrupt = interruptToTake(hart);
      if (interrupt !== null) enterTrap(hart, interrupt, 0n);
      const first = executed === 0 && stepOver;
      if (!first && this.#breakpoints.has(hart.pc))
        return { executed, stop: { reason: "breakpoint" } };
      const stop = this.#step(hart);
      if (stop === null || stop.reason === "watch" || stop.reason === "firmware") executed++;
      if (stop !== null) return { executed, stop };
    }
    return { executed: budget, stop: BUDGET };
  }

  /** One instruction; null when it is done and nothing calls for the host. */
  #step(hart: Hart): Stop | null {
    let fetched: Fetched | null = null;
    try {
      fetched = fetch(hart, this.#memory);
      const outcome = execute(hart, this.#memory, fetched);
      if (outcome.kind === "ebreak") return { reason: "ebreak" };
      hart.progress += 1n;
      if (outcome.kind === "firmware") {
        hart.trapped += 1n;
        return { reason: "firmware" };
      }
      return this.#isWatched(outcome.written) ? { reason: "watch" } : null;
    } catch (thrown) {
      if (thrown instanceof Trap) {
        this.#trap(hart, thrown);
        return null;
      }
      if (thrown instanceof TracedAccess) {
        return { reason: "trace", page: thrown.page, writes: thrown.writes };
      }
      if (!(thrown instanceof DeviceAccess) || fetched === null) throw thrown;
      hart.pending = suspend(hart, fetched, thrown);
      return stopFor(hart.pending);
    }
  }

  #trap(hart: Hart, trap: Trap): void {
    hart.progress += 1n;
    hart.trapped += 1n;
    enterTrap(hart, BigInt(trap.trapCause), trap.value);
  }

  #isWatched(ranges: readonly PhysicalRange[]): boolean {
    return ranges.some(({ physical, size }) => {
      const start = Number(physical);
      return this.#watches.some((w) => start < w.address + w.bytes && start + size > w.address);
    });
  }

  answer(hartIndex: number, value: bigint): void {
    const hart = this.#hart(hartIndex);
    const exit = hart.pending;
    assert(exit !== null, "there is an exit to answer");
    if (exit.kind === "load") finishLoad(hart, exit.width, exit.register, value);
    hart.pending = null;
    hart.pc = BigInt.asUintN(64, hart.pc + BigInt(exit.length));
    hart.progress += 1n;
  }

  refuse(hartIndex: number): void {
    const hart = this.#hart(hartIndex);
    const exit = hart.pending;
    assert(exit !== null, "there is an exit to refuse");
    hart.pending = null;
    const cause = exit.kind === "load" ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS;
    this.#trap(hart, new Trap(cause, exit.virtual));
  }

  readHart(hart: number): Uint8Array {
    return toBlock(this.#hart(hart));
  }

  writeHart(hart: number, block: Uint8Array): void {
    assert(hart < this.harts, "no such hart");
    this.#harts[hart] = fromBlock(block);
  }

  word(hart: number, offset: number): bigint {
    const known = wordOf(this.#hart(hart), offset);
    return known ?? new DataView(this.readHart(hart).buffer).getBigUint64(offset, true);
  }

  setWord(hart: number, offset: number, value: bigint): void {
    assert(isPlainWord(offset), "no cache depends on the word");
    setWordOf(this.#hart(hart), offset, value);
  }

  readCsr(hart: number, number: number): bigint | null {
    return readCsr(this.#hart(hart), number);
  }

  writeCsr(hart: number, number: number, value: bigint): void {
    writeCsr(this.#hart(hart), number, BigInt.asUintN(64, value));
  }

  writeRam(offset: number, bytes: Uint8Array): void {
    this.#memory.bytes.set(bytes, offset);
    if (bytes.length === 0) return;
    for (const hart of this.#harts) {
      const reserved = Number(hart.reservation) - RAM_BASE;
      if (reserved < offset + bytes.length && reserved + 8 > offset)
        hart.reservation = NO_RESERVATION;
    }
    const last = Math.floor((offset + bytes.length - 1) / PAGE_BYTES);
    this.#memory.dirty.fill(1, Math.floor(offset / PAGE_BYTES), last + 1);
  }

  dirtyPages(): number[] {
    const pages: number[] = [];
    this.#memory.dirty.forEach((dirty, page) => {
      if (dirty === 1) pages.push(page);
    });
    return pages;
  }

  clearDirty(): void {
    this.#memory.dirty.fill(0);
  }

  setPageTrace(page: number, trace: PageTrace): void {
    this.#memory.traces[page] = TRACES.indexOf(trace);
  }

  pageTrace(page: number): PageTrace {
    return TRACES[this.#memory.traces[page]!]!;
  }

  tracesAdded(): void {
    // Nothing is known that could pass them by.
  }

  setWatches(watches: readonly Watch[]): void {
    this.#watches = watches;
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    this.#breakpoints = new Set(addresses);
  }

  dropCaches(): void {
    // There are none.
  }
}
