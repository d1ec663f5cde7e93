// Pages that are not there: harts, devices and firmware stop before them, nothing of what they were about to do has
// happened, and once the page is there the machine does what it would have done. The canaries let devices go on.

import { describe, expect, test } from "vitest";
import * as layout from "../layout.ts";
import { TestRandom } from "../testing/random.ts";
import { Board } from "./board.ts";
import type { BoardInput } from "./contract.ts";
import { MustWait } from "./host-access.ts";
import { TestHost } from "./testing/host.ts";
import { powerOn, PROGRAMS } from "./testing/programs.ts";

const { PAGE_BYTES } = layout;
const LIMIT = 2_000_000;
const DELAY = 3_000;
const GARBAGE = 0xee;

/** A board whose pages are taken away now and then, each until somebody needs it. */
class Absent extends Board {
  readonly #pages = new Map<number, Uint8Array>();
  readonly devicesWait: boolean;
  waits = { harts: 0, around: 0 };

  constructor(board: Board, devicesWait: boolean) {
    super(board.engine, board.config, board.state);
    this.devicesWait = devicesWait;
    this.engine.hostMayWait = true;
    this.engine.onHostAccess = (page, writes) => {
      if (this.#pages.has(page) && this.devicesWait) throw new MustWait(page, writes);
    };
  }

  takeAway(): void {
    const { engine } = this;
    for (let page = 0; page < engine.ramBytes / PAGE_BYTES; page++) {
      if (this.#pages.has(page)) continue;
      const at = page * PAGE_BYTES;
      this.#pages.set(page, engine.ram.slice(at, at + PAGE_BYTES));
      engine.ram.fill(GARBAGE, at, at + PAGE_BYTES);
      engine.setPageTrace(page, "accesses");
    }
    engine.tracesAdded();
    engine.dropCaches();
  }

  #bring(page: number): void {
    const bytes = this.#pages.get(page);
    if (bytes === undefined) throw new Error(`page ${page} is there`);
    this.#pages.delete(page);
    this.engine.ram.set(bytes, page * PAGE_BYTES);
    this.engine.setPageTrace(page, "none");
    this.engine.dropCaches();
  }

  bringAll(): void {
    for (const page of this.#pages.keys()) this.#bring(page);
  }

  override run(until: number): ReturnType<Board["run"]> {
    for (;;) {
      const emitted = super.run(until);
      if (emitted.stop?.reason !== "trace") return emitted;
      expect(emitted.outputs).toEqual([]);
      this.waits.harts++;
      this.#bring(emitted.stop.page);
    }
  }

  override deliver(input: BoardInput): void {
    for (;;) {
      const before = this.stateHash();
      const waits = this.offer(input);
      if (waits === null) return;
      // Nothing has happened, in RAM or elsewhere.
      expect(this.stateHash()).toBe(before);
      this.waits.around++;
      this.#bring(waits.page);
    }
  }
}

const TEXT = 0x80_000;

/** Prints, by a call of the firmware, text in a page that is away. */
function called(kind: "compiled" | "reference", isAway: boolean, firmwareWaits = true) {
  const program = PROGRAMS.find(({ name }) => name === "firmware")!;
  const board = new Absent(powerOn(kind, program), firmwareWaits);
  const { engine } = board;
  const pc = Number(engine.word(0, layout.HART_PC)) - layout.RAM_BASE;
  engine.writeRam(pc, Uint8Array.of(0x73, 0, 0, 0));
  engine.writeRam(TEXT, new TextEncoder().encode("text\n"));
  const given = { 10: 5, 11: layout.RAM_BASE + TEXT, 12: 0, 16: 0, 17: 0x4442_434e };
  for (const [register, value] of Object.entries(given)) {
    engine.setWord(0, layout.HART_X + 8 * Number(register), BigInt(value));
  }
  if (isAway) board.takeAway();
  const texts: string[] = [];
  while (board.progress() < 1) {
    for (const output of board.run(1).outputs) {
      if (output.kind === "console") texts.push(new TextDecoder().decode(output.bytes));
    }
  }
  board.bringAll();
  return { texts, state: board.stateHash() };
}

/** In the reference engine; harts wait there in the same way as in the others. */
const SLOW = ["accessed", "hostile", "smp", "net", "calls"];

const STATE_OF = (board: Board, host: TestHost) => ({
  console: host.console,
  progress: board.progress(),
  stateHash: board.stateHash(),
  halted: board.state.halted,
});

function lived(name: string, kind: "compiled" | "reference", seed: number, devicesWait = true) {
  const program = PROGRAMS.find((each) => each.name === name)!;
  const board = new Absent(powerOn(kind, program), devicesWait);
  const host = new TestHost(board, program.typed, DELAY);
  const random = new TestRandom(seed);
  host.drive(board, 2_500, LIMIT, () => {
    if (seed > 0 && random.below(8) === 0) board.takeAway();
    return board;
  });
  board.bringAll();
  return { ...STATE_OF(board, host), waits: board.waits };
}

describe.each(PROGRAMS.map(({ name }) => name))("%s", (name) => {
  const kinds = SLOW.includes(name) ? ["compiled"] : ["compiled", "reference"];
  test.each(kinds as ("compiled" | "reference")[])(
    "waits for its pages in the %s engine",
    (kind) => {
      const { waits: none, ...plain } = lived(name, kind, 0);
      expect(none).toEqual({ harts: 0, around: 0 });
      let around = 0;
      for (const seed of kind === "compiled" ? [1, 2, 3] : [1]) {
        const { waits, ...found } = lived(name, kind, seed);
        expect(found).toEqual(plain);
        expect(waits.harts).toBeGreaterThan(0);
        around += waits.around;
      }
      if (name === "net" && kind === "compiled") expect(around).toBeGreaterThan(0);
    },
  );
});

test.each(["block", "net"])("canary: %s with devices that do not wait", (name) => {
  const { waits: _, ...plain } = lived(name, "compiled", 0);
  const differs = [1, 2, 3, 4, 5, 6].some((seed) => {
    const { waits: __, ...found } = lived(name, "compiled", seed, false);
    return (
      JSON.stringify({ ...found, stateHash: "" }) !== JSON.stringify({ ...plain, stateHash: "" })
    );
  });
  expect(differs).toBe(true);
});

test.each(["compiled", "reference"] as const)("firmware waits in the %s engine", (kind) => {
  expect(called(kind, false).texts).toEqual(["text\n"]);
  expect(called(kind, true)).toEqual(called(kind, false));
  // Canary: firmware that does not wait prints what is not there.
  expect(called(kind, true, false).texts).not.toEqual(["text\n"]);
});
