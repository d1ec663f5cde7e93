/**
 * What a copy of a real machine, on the host that follows it, sees of the writes that its integrity driver
 * forbids: as its machine's host judges them, so that whoever goes on with the copy tells of each that
 * nobody has told of.
 *
 * Must hold: an alert is noted by the copy at exactly the progress at which its machine raises it, and the
 * copy stands there until the log says that it was raised.
 */
import type { Editable } from "../../kernel/index.ts";
import { integrity, rv64 } from "../../guest/index.ts";
import { judgeWrite, type TablesState, type WriteAlert } from "../integrity/judge.ts";
import { DEVICE } from "../pages/tracer.ts";
import type { LiveMachine } from "./live-machine.ts";

/** While the copy is run, or given something. */
export class CopyWatch {
  readonly #board: rv64.Board;
  readonly #live: LiveMachine;
  #met: WriteAlert[] = [];

  constructor(live: LiveMachine, board: rv64.Board) {
    this.#board = board;
    this.#live = live;
    board.stopsAtIntegrity = true;
    if (board.state.integrity === undefined) return;
    this.#mark();
    live.engine.onHostAccess = (page, writes) => {
      if (writes && this.#judge(page, DEVICE)) board.stopSoon();
    };
  }

  /** Writes since the last time that raise alerts. */
  takeMet(): WriteAlert[] {
    return this.#met.splice(0);
  }

  /** Up to the first output, alert or change of the driver's tables. */
  run(until: number): rv64.BoardRun {
    let run = this.#board.run(until);
    while (run.stop?.reason === "trace") {
      run = this.#stepOver(run);
      const isEvent = run.outputs.length > 0 || run.reason === "asked" || this.#met.length > 0;
      if (isEvent || this.#board.progress() >= until) break;
      run = this.#board.run(until);
    }
    return run;
  }

  /** Executes the instruction that stands before pages which are watched. */
  #stepOver(stopped: rv64.BoardRun): rv64.BoardRun {
    const { engine } = this.#live;
    const board = this.#board;
    const pc = engine.word(stopped.hart!, rv64.layout.HART_PC).toString(16);
    const progress = board.progress();
    const before = this.#met;
    this.#met = [];
    let run = stopped;
    while (run.stop?.reason === "trace") {
      const { page, writes } = run.stop;
      if (writes) this.#judge(page, run.hart!);
      engine.setPageTrace(page, "none");
      run = board.run(progress + 1);
    }
    const where = (alert: WriteAlert): WriteAlert =>
      alert.vcpu === DEVICE ? alert : { ...alert, pc, progress };
    this.#met = [...before, ...this.#met.map(where)];
    this.#mark();
    return run;
  }

  #second(): integrity.SecondStage | undefined {
    const driver = this.#board.state.integrity;
    return driver && integrity.secondStageOf(driver as integrity.IntegrityState);
  }

  /** Whether the write raises an alert; it happens. */
  #judge(page: number, vcpu: number): boolean {
    const second = this.#second();
    const isWatched =
      second !== undefined && rangesOf(second).some((each) => integrity.coversPage(each, page));
    if (!isWatched) return false;
    const cached = second.tables.map(() => []);
    const state = {
      ...structuredClone(second),
      cached,
      alerts: [],
    } as unknown as Editable<TablesState>;
    const alert = judgeWrite(state, page, vcpu);
    if (alert !== undefined) this.#met.push(alert);
    return alert !== undefined;
  }

  #mark(): void {
    const second = this.#second();
    if (second === undefined) return;
    const { engine } = this.#live;
    for (const { page, pages } of rangesOf(second)) {
      for (let at = page; at < page + pages; at++) engine.setPageTrace(at, "stores");
    }
    engine.tracesAdded();
    // They are nobody's traces: whoever sets others begins anew.
    this.#live.keepTraces([]);
  }
}

const rangesOf = ({ code, data, registered }: integrity.SecondStage) => [code, data, ...registered];
