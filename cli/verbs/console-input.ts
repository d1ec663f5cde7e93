/**
 * Lines typed while a run goes on (`run --console`): commands of an operator, handed to the driver
 * as live input. Each is logged with the place where it took effect, and replays without anyone
 * typing.
 */
import { createInterface, type Interface } from "node:readline";
import type { LiveInput } from "../../scenarios/index.ts";

export class ConsoleInput {
  readonly #lines: LiveInput[] = [];
  readonly #interface: Interface;

  constructor(input: NodeJS.ReadableStream = process.stdin) {
    this.#interface = createInterface({ input });
    this.#interface.on("line", (line) => {
      const arg = line.trim();
      if (arg !== "") this.#lines.push({ target: "driver", handler: "console", arg });
    });
  }

  /** What was typed since the last call. */
  take(): readonly LiveInput[] {
    return this.#lines.splice(0);
  }

  close(): void {
    this.#interface.close();
  }
}
