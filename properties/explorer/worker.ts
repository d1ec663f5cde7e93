/**
 * A worker process as the search sees it: ready for a task, busy with one, or gone. One that says
 * nothing for too long is ended; whatever ends it, the search hears of it once.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { SearchRequest } from "./search.ts";

const WORKER = fileURLToPath(new URL("./search-worker.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");

/** A run takes milliseconds; what is silent for so long hangs. */
const SILENCE_MS = 120_000;

export interface WorkerEvents {
  onMessage(worker: Worker, message: FromWorker): void;
  /** It ended without being asked to. */
  onLost(worker: Worker, how: string): void;
}

export class Worker {
  readonly #process: ChildProcess;
  #watch: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** What it threw, if that is why it ends. */
  #thrown: string | undefined;

  constructor(request: SearchRequest, events: WorkerEvents) {
    // What loads sources differently here (a planted bug) does so in the workers too.
    const execArgv = [...process.execArgv, "--import", TSX];
    this.#process = fork(WORKER, [], { execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#process.on("message", (sent) => {
      const message = sent as FromWorker;
      this.#listen();
      if (message.type === "threw") this.#thrown = message.message;
      else events.onMessage(this, message);
    });
    this.#process.on("exit", (code, signal) => {
      clearTimeout(this.#watch);
      if (this.#isClosed) return;
      this.#isClosed = true;
      events.onLost(this, this.#thrown ?? signal ?? `exit code ${code}`);
    });
    // A message to a worker that has just gone: its exit is told anyway.
    this.#process.on("error", () => undefined);
    this.tell({ type: "open", request });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  tell(message: ToWorker): void {
    this.#listen();
    if (this.#process.connected) this.#process.send(message);
  }

  /** It has nothing to do: silence is fine. */
  rest(): void {
    clearTimeout(this.#watch);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#watch);
    this.#process.kill("SIGKILL");
  }

  #listen(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#process.kill("SIGKILL"), SILENCE_MS);
    this.#watch.unref();
  }
}
