/**
 * A real guest built again alone, from its boundary log and the files that it boots: no host, no link,
 * no array, no world. What it puts out is held against the recorded hash.
 */
import { assert } from "../../kernel/index.ts";
import { type GuestSpec, rv64 } from "../../guest/index.ts";
import { NO_OUTPUT, type OutputHash, withOutputs } from "../output-hash.ts";
import { bootFiles, type Machines, machineShape } from "./live-machine.ts";
import type { MachineConfig, MachineEntry } from "./machine-state.ts";

const BYTES_PER_PAGE = 4_096;

export type LoneMachineResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: "gap" | "diverged"; readonly message: string };

type Last = {
  readonly progress: number;
  readonly before: OutputHash;
  readonly outputs: readonly rv64.BoardOutput[];
};

type Remembered = Pick<Last, "outputs"> & {
  readonly ram: Uint8Array;
  readonly harts: readonly Uint8Array[];
  readonly state: rv64.BoardState;
};

export class LoneMachine {
  readonly #config: rv64.BoardConfig;
  readonly #machines: Machines;
  readonly #onOutputs: (outputs: readonly rv64.BoardOutput[]) => void;
  #board: rv64.Board | undefined;
  #inputs = 0;
  #outputs = NO_OUTPUT;
  /** The hash before the last outputs, and where those came. */
  #last: Last = { progress: -1, before: NO_OUTPUT, outputs: [] };
  /** The machine as it was when images of it were taken. */
  readonly #images = new Map<string, Remembered>();

  /** `onOutputs` is called whenever something came out, after `outputs` has changed. */
  constructor(
    spec: GuestSpec,
    machines: Machines,
    onOutputs: (outputs: readonly rv64.BoardOutput[]) => void = () => {},
  ) {
    this.#config = (spec.config as unknown as MachineConfig).board;
    this.#machines = machines;
    this.#onOutputs = onOutputs;
  }

  /** Inputs taken so far, power-on included. */
  get inputs(): number {
    return this.#inputs;
  }

  get outputs(): OutputHash {
    return this.#outputs;
  }

  /** The machine of this run; undefined before the first power-on and between two runs. */
  get board(): rv64.Board | undefined {
    return this.#board;
  }

  /** Runs to the entry's progress and takes its input. */
  take({ step, count, input }: MachineEntry): LoneMachineResult {
    if (count !== this.#inputs) {
      return { ok: false, code: "gap", message: `input ${count} follows ${this.#inputs - 1}` };
    }
    this.#inputs++;
    if (input.kind === "start") {
      this.#board = this.#powerOn();
      this.#last = { progress: -1, before: this.#outputs, outputs: [] };
      return { ok: true };
    }
    if (input.kind === "image-restored") return this.#goOnFrom(input.image);
    if (!this.runTo(step)) return this.#diverged(`it ended before progress ${step}`);
    if (input.kind === "image-taken") {
      this.#remember(input.image, input.isExit);
      return { ok: true };
    }
    if (input.kind === "end" || input.kind === "put-out") {
      // What is put out at power-on comes with the first look, even if there is no other.
      const isCounted = input.kind === "put-out" || !input.isCut;
      if (isCounted && step === 0) this.#count(this.#board!.run(0).outputs);
      if (input.kind === "put-out") return { ok: true };
      if (input.isCut && this.#last.progress === step) this.#outputs = this.#last.before;
      this.#board = undefined;
      return { ok: true };
    }
    try {
      this.#board!.deliver(input);
    } catch (thrown) {
      return this.#diverged(thrown instanceof Error ? thrown.message : String(thrown));
    }
    return { ok: true };
  }

  /** Runs the machine to this progress; false when it is not on, or ends before. */
  runTo(progress: number, goesOn: () => boolean = () => true): boolean {
    const board = this.#board;
    if (board === undefined || board.progress() > progress) return false;
    while (board.progress() < progress && goesOn()) {
      const { outputs, reason } = board.run(
        Math.min(progress, board.progress() + this.#machines.slice),
      );
      this.#count(outputs);
      if (reason === "halted") return board.progress() === progress;
    }
    return true;
  }

  #count(outputs: readonly rv64.BoardOutput[]): void {
    if (outputs.length === 0) return;
    this.#last = { progress: this.#board!.progress(), before: this.#outputs, outputs };
    this.#outputs = withOutputs(this.#outputs, outputs as never);
    this.#onOutputs(outputs);
  }

  #engine(): rv64.Engine {
    const { ramPages, harts } = machineShape(this.#config);
    return this.#machines.engine({ ramBytes: ramPages * BYTES_PER_PAGE, harts });
  }

  #remember(image: string, isExit: boolean): void {
    const { engine, state } = this.#board!;
    this.#images.set(image, {
      ram: engine.ram.slice(),
      harts: Array.from({ length: engine.harts }, (_, hart) => engine.readHart(hart)),
      state: structuredClone(state),
      outputs: isExit ? this.#last.outputs : [],
    });
  }

  /** What it had put out and not carried out when it was saved is carried out now. */
  #goOnFrom(image: string): LoneMachineResult {
    const found = this.#images.get(image);
    if (found === undefined) return this.#diverged(`no image ${image} of it was taken`);
    const engine = this.#engine();
    engine.writeRam(0, found.ram);
    found.harts.forEach((block, hart) => engine.writeHart(hart, block));
    this.#board = new rv64.Board(engine, this.#config, structuredClone(found.state));
    this.#last = { progress: -1, before: this.#outputs, outputs: [] };
    this.#count(found.outputs);
    return { ok: true };
  }

  #powerOn(): rv64.Board {
    const engine = this.#engine();
    const made = rv64.Board.create(engine, this.#config, bootFiles(this.#machines, this.#config));
    assert(made.ok, () => (made.ok ? "" : made.problem.message));
    return made.board;
  }

  #diverged(message: string): LoneMachineResult {
    return { ok: false, code: "diverged", message };
  }
}
