/**
 * Traces of a real machine's pages. Which pages are traced is state of its memory; the marks in the
 * engine are a cache of that, made anew when the state is another one (after a restore).
 *
 * Must hold: the engine stops before an access that somebody may want to see; a hart that has not
 * flushed since the trace was set passes it by, and the mark stays for the others.
 */
import type { NumberArray } from "../../kernel/index.ts";
import { rv64 } from "../../guest/index.ts";
import type { LiveMachine } from "../rv64/live-machine.ts";
import { boardOf, liveMachine, type MachineEntity } from "../rv64/machine-state.ts";
import { clientBitmap, knownMemory, type MemoryEntity } from "./memory-state.ts";
import { DEVICE, Tracer } from "./tracer.ts";

/** The traces on a machine while it is run, or is given something. */
export class MachineTraces {
  readonly #memory: MemoryEntity;
  readonly #live: LiveMachine;
  readonly #tracer: Tracer;

  constructor(memory: MemoryEntity, live: LiveMachine, board: rv64.Board) {
    this.#memory = memory;
    this.#live = live;
    this.#tracer = new Tracer(memory);
    const { engine } = live;
    engine.hostMayWait = memory.volatile.clients.some(
      ({ keeps, mode, owner }) => keeps && mode === "accesses" && owner >= 0,
    );
    engine.onHostAccess = (page, writes) => {
      this.#tracer.access(page, DEVICE, writes);
      if (this.#tracer.isHeld) {
        // All of the work is undone and comes again.
        this.#tracer.forget();
        throw new rv64.MustWait(page, writes);
      }
      engine.setPageTrace(page, this.#tracer.seen(page));
      if (this.#tracer.isAlarming) board.stopSoon();
    };
    if (!live.showsTraces(this.#words())) this.#mark();
  }

  /** The access before which the machine stands does not proceed: whoever was told of it holds it. */
  get isHeld(): boolean {
    return this.#tracer.isHeld;
  }

  /** After hits, of what happened: the marks in the engine are those of the state as it is now. */
  keep(): void {
    this.#tracer.confirm();
    this.#live.keepTraces(this.#words());
  }

  /** Before an access proceeds; what the hart pays. `isOpen`: it can go on by itself. */
  hit(
    hart: number,
    page: number,
    writes: boolean,
  ): { readonly ns: number; readonly isOpen: boolean; readonly isHeld: boolean } {
    const ns = this.#tracer.access(page, hart, writes);
    const left = this.#tracer.seen(page);
    this.#live.engine.setPageTrace(page, left);
    if (ns > 0) this.#memory.edit().figures.chargedNs += ns;
    const isOpen = left === "none" || (left === "stores" && !writes);
    return { ns, isOpen, isHeld: this.#tracer.isHeld };
  }

  /** Executes the instruction that stands before traced pages, once everybody has seen its accesses. */
  stepOver(
    board: rv64.Board,
    hart: number,
    page: number,
  ): {
    readonly run: rv64.BoardRun;
    readonly ns: number;
    readonly isHeld: boolean;
    readonly isAlarming: boolean;
  } {
    const { engine } = this.#live;
    const pc = engine.word(hart, rv64.layout.HART_PC).toString(16);
    const progress = board.progress();
    const lifted = [page];
    let ns = 0;
    engine.setPageTrace(page, "none");
    let run = board.run(board.progress() + 1);
    while (run.stop?.reason === "trace" && !this.#tracer.isHeld) {
      const { page: next, writes } = run.stop;
      ns += this.hit(run.hart!, next, writes).ns;
      if (this.#tracer.isHeld) break;
      lifted.push(next);
      engine.setPageTrace(next, "none");
      run = board.run(board.progress() + 1);
    }
    for (const each of lifted) engine.setPageTrace(each, this.#tracer.seen(each));
    engine.tracesAdded();
    const { isHeld } = this.#tracer;
    // Held, all accesses of the instruction come again.
    if (isHeld) this.#tracer.forget();
    const isAlarming = this.#tracer.confirm({ pc, progress });
    return { run, ns, isHeld, isAlarming };
  }

  #words(): NumberArray[] {
    const which = ["armed", "pending"] as const;
    return this.#memory.volatile.clients.flatMap(({ name }) =>
      which.map((each) => clientBitmap(this.#memory, name, each).words),
    );
  }

  #mark(): void {
    const { engine } = this.#live;
    for (let page = 0; page < this.#memory.config.pages; page++) {
      engine.setPageTrace(page, this.#tracer.seen(page));
    }
    engine.tracesAdded();
    this.keep();
  }
}

/** The traces on a machine; undefined when there are none, and then it runs as if there never were. */
export function tracesOn(self: MachineEntity): MachineTraces | undefined {
  const memory = knownMemory(self);
  const live = liveMachine(self);
  if (memory !== undefined && memory.volatile.clients.length > 0) {
    return new MachineTraces(memory, live, boardOf(self));
  }
  live.dropTraces();
  return undefined;
}
