// A small host for tests of the board: disks in memory, a network that echoes, chosen random bytes, a keyboard. It answers a
// fixed progress after the request, so a run depends on nothing but its script.

import { type ContentRun, expandRuns, factorial, SECTOR_BYTES } from "../../../../kernel/index.ts";
import type { BlockRequest } from "../../../../platform/index.ts";
import type { Board } from "../board.ts";
import type { BoardInput, BoardOutput } from "../contract.ts";

export interface Timed {
  readonly at: number;
  readonly input: BoardInput;
}

/** Everything the host keeps between runs; plain data apart from the disks' bytes. */
export class TestHost {
  readonly disks: ReadonlyMap<string, Uint8Array>;
  readonly delay: number;
  console = "";
  readonly inputs: Timed[] = [];
  readonly outputs: BoardOutput[] = [];
  #due: Timed[] = [];

  /** `typed`: console bytes by progress. */
  constructor(board: Board, typed: readonly Timed[], delay: number) {
    this.disks = new Map(
      board.config.disks.map(({ id, sectors }) => [id, new Uint8Array(sectors * SECTOR_BYTES)]),
    );
    this.#due = [...typed];
    this.delay = delay;
  }

  #later(board: Board, input: BoardInput): void {
    this.#due.push({ at: board.progress() + this.delay, input });
    // Stable: what is due at once keeps its order.
    this.#due.sort((a, b) => a.at - b.at);
  }

  #io(disk: string, io: BlockRequest): readonly ContentRun[] {
    const bytes = this.disks.get(disk)!;
    if (io.op === "flush") return [];
    const start = io.sector * SECTOR_BYTES;
    const length = io.sectors * SECTOR_BYTES;
    if (io.op === "write") expandRuns(io.runs, bytes.subarray(start, start + length));
    if (io.op === "discard") bytes.fill(0, start, start + length);
    if (io.op !== "read") return [];
    return [{ kind: "bytes", sectors: io.sectors, bytes: bytes.slice(start, start + length) }];
  }

  #take(board: Board, output: BoardOutput): void {
    this.outputs.push(output);
    if (output.kind === "console") this.console += new TextDecoder().decode(output.bytes);
    else if (output.kind === "block") {
      const { disk, request, io } = output;
      const runs = this.#io(disk, io);
      this.#later(board, { kind: "block-done", disk, request, ok: true, runs });
    } else if (output.kind === "send") {
      const bytes = output.bytes.slice();
      bytes.set(output.bytes.subarray(6, 12), 0);
      bytes.set(output.bytes.subarray(0, 6), 6);
      this.#later(board, { kind: "packet", nic: output.nic, bytes });
    } else if (output.kind === "need-random") {
      const bytes = Uint8Array.from({ length: output.bytes }, (_, i) => i * 5 + output.request);
      this.#later(board, { kind: "random", request: output.request, bytes });
    } else if (output.kind === "need-orders") {
      const { harts } = board.config;
      const orders = [1, 5, 3, 2, 4].map((i) => (i * output.progress) % factorial(harts));
      this.#later(board, { kind: "hart-orders", orders });
    }
  }

  /** Runs in slices until the machine ends or `until`; `between` is called after each slice. */
  drive(board: Board, slice: number, until: number, between: () => Board = () => board): Board {
    let current = board;
    while (current.state.halted === null && current.progress() < until) {
      while ((this.#due[0]?.at ?? Infinity) <= current.progress()) {
        const timed = { ...this.#due.shift()!, at: current.progress() };
        this.inputs.push(timed);
        current.deliver(timed.input);
      }
      const target = Math.min(current.progress() + slice, this.#due[0]?.at ?? Infinity, until);
      for (const output of current.run(target).outputs) this.#take(current, output);
      current = between();
    }
    return current;
  }
}
