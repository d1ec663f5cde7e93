/** The process with the bug as the hunt sees it: told something, it says what came of it. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromPlanted, ToPlanted } from "./messages.ts";

const WORKER = fileURLToPath(new URL("./planted-worker.ts", import.meta.url));

/** A run that does not end is found by its events; a process that says nothing so long hangs. */
const SILENCE_MS = 300_000;

export class PlantedProcess {
  readonly #process: ChildProcess;
  #settle: ((message: FromPlanted) => void) | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#process = fork(WORKER, [], {
      execArgv: ["--import", import.meta.resolve("tsx")],
      env: environment,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#process.on("message", (message) => this.#answer(message as FromPlanted));
    this.#process.on("error", () => undefined);
    this.#process.on("exit", (code, signal) => {
      this.#answer({ type: "refused", message: `the process ended: ${signal ?? `code ${code}`}` });
    });
  }

  /** Tells it something, if anything, and waits for what it says next. */
  async says(message?: ToPlanted): Promise<FromPlanted> {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#process.kill("SIGKILL"), SILENCE_MS);
    return new Promise((resolve) => {
      this.#settle = resolve;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        this.#answer({ type: "refused", message: "the process is gone" });
      } else if (message !== undefined) this.#process.send(message);
    });
  }

  tell(message: ToPlanted): void {
    if (this.#process.connected) this.#process.send(message);
  }

  close(): void {
    clearTimeout(this.#watch);
    this.#process.kill("SIGKILL");
  }

  #answer(message: FromPlanted): void {
    clearTimeout(this.#watch);
    this.#settle?.(message);
    this.#settle = undefined;
  }
}
