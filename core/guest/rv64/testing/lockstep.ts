// Two engines side by side: same state, same calls; after every call the same outcome, hart, RAM and dirty pages.

import type { Engine, RunResult } from "../engine.ts";
import * as layout from "../layout.ts";
import type { TestRandom } from "./random.ts";
import { randomHart, randomise } from "./random-machine.ts";

/** First difference between two engines, as text; null when there is none. */
export function difference(a: Engine, b: Engine): string | null {
  const first = a.readHart(0);
  const second = b.readHart(0);
  for (let at = 0; at < first.length; at += 8) {
    const x = new DataView(first.buffer, at).getBigUint64(0, true);
    const y = new DataView(second.buffer, at).getBigUint64(0, true);
    if (x !== y) return `hart block at 0x${at.toString(16)}: ${x.toString(16)} ${y.toString(16)}`;
  }
  if (Buffer.compare(a.ram, b.ram) !== 0) {
    const at = a.ram.findIndex((byte, i) => byte !== b.ram[i]);
    return `RAM at 0x${(layout.RAM_BASE + at).toString(16)}`;
  }
  const dirty = [a.dirtyPages().join(), b.dirtyPages().join()];
  return dirty[0] === dirty[1] ? null : `dirty pages ${dirty[0]} and ${dirty[1]}`;
}

const describeRun = ({ executed, stop }: RunResult): string =>
  JSON.stringify([executed, stop], (_, value: unknown) =>
    typeof value === "bigint" ? value.toString(16) : value,
  );

/** What the host does when a run stopped: the same to both. */
function attend(random: TestRandom, engines: readonly Engine[], { stop }: RunResult): void {
  const value = random.next64();
  const refuse = random.chance(50);
  for (const engine of engines) {
    if (stop.reason === "load" || stop.reason === "store") {
      if (refuse) engine.refuse(0);
      else engine.answer(0, value);
    } else if (stop.reason === "trace") {
      engine.setPageTrace(stop.page, "none");
    } else if (stop.reason === "ebreak") {
      const block = engine.readHart(0);
      new DataView(block.buffer).setBigUint64(layout.HART_EBREAK_EXITS, 0n, true);
      engine.writeHart(0, block);
    } else if (stop.reason === "wait") {
      engine.writeCsr(0, 0x304, 0xaaan);
      setPins(engine, 0xaa8n);
    }
  }
}

function traceOne(random: TestRandom, engines: readonly Engine[]): void {
  const page = random.below(engines[0]!.ramBytes / layout.PAGE_BYTES);
  const trace = random.chance(50) ? "stores" : "accesses";
  for (const engine of engines) {
    engine.setPageTrace(page, trace);
    engine.tracesAdded();
  }
}

export function setPins(engine: Engine, pins: bigint): void {
  const block = engine.readHart(0);
  new DataView(block.buffer).setBigUint64(layout.HART_PINS, pins, true);
  engine.writeHart(0, block);
}

/** Whether the stretch ended among instructions that only trap: a lost program that proves nothing any more. */
function trapsOnly(engine: Engine, { executed }: RunResult): boolean {
  if (executed < 4) return false;
  const before = new DataView(engine.readHart(0).buffer);
  const trapped = before.getBigUint64(layout.HART_TRAPPED, true);
  const progress = before.getBigUint64(layout.HART_PROGRESS, true);
  return trapped * 3n > progress;
}

/** Gives both engines the same new hart, the RAM as it is. */
function kick(random: TestRandom, engines: readonly Engine[]): void {
  const hart = randomHart(random);
  for (const engine of engines) engine.writeHart(0, hart);
}

export interface LockstepOptions {
  readonly instructions: number;
  /** Longest stretch between two comparisons. */
  readonly stretch: number;
  /** Whether to drop the second engine's caches now and then. */
  readonly dropCaches: boolean;
  /** Whether to trace pages now and then. */
  readonly traces?: boolean;
}

/** Runs one random machine in both; returns what differed, or null, and how much was executed. */
export function lockstep(
  random: TestRandom,
  reference: Engine,
  other: Engine,
  options: LockstepOptions,
): { readonly difference: string | null; readonly executed: number } {
  const engines = [reference, other];
  randomise(random, engines);
  let executed = 0;
  for (let calls = 0; executed < options.instructions && calls < options.instructions; calls++) {
    const budget = 1 + random.below(options.stretch);
    if (options.dropCaches && random.chance(20)) other.dropCaches();
    if (random.chance(15)) {
      const pins = random.next64() & 0xaa8n;
      for (const engine of engines) setPins(engine, pins);
    }
    if (options.traces === true && random.chance(30)) traceOne(random, engines);
    if (random.chance(5)) for (const engine of engines) engine.clearDirty();
    const [a, b] = engines.map((engine) => engine.run(0, budget)) as [RunResult, RunResult];
    executed += a.executed;
    if (describeRun(a) !== describeRun(b))
      return { difference: `runs ${describeRun(a)} and ${describeRun(b)}`, executed };
    const found = difference(reference, other);
    if (found !== null) return { difference: found, executed };
    attend(random, engines, a);
    if (trapsOnly(reference, a)) kick(random, engines);
  }
  return { difference: null, executed };
}
