// Somebody at the console of a guest: waits for the prompt, types the next command, keeps what was printed.

import type { rv64 } from "../../core/guest/index.ts";

/** What busybox sends behind its prompt: where is the cursor? */
const CURSOR_QUERY = "\u001b[6n";

/** Whether a text ends in the prompt of a root shell. */
export const atPrompt = (text: string): boolean =>
  text.endsWith("# ") || text.endsWith(`# ${CURSOR_QUERY}`);

export class Terminal {
  #text = "";
  readonly #commands: string[];
  #prompts = 0;

  constructor(commands: readonly string[]) {
    this.#commands = [...commands];
  }

  /** Everything printed so far. */
  get text(): string {
    return this.#text;
  }

  /** How many prompts were seen. */
  get prompts(): number {
    return this.#prompts;
  }

  /** Takes an output of the machine; returns what to type now. */
  see(output: rv64.BoardOutput): rv64.BoardInput | null {
    if (output.kind !== "console" || output.port !== "serial") return null;
    const printed = Buffer.from(output.bytes).toString("latin1");
    this.#text += printed;
    if (!atPrompt(printed)) return null;
    this.#prompts += 1;
    const command = this.#commands.shift();
    if (command === undefined) return null;
    return { kind: "console", port: "serial", bytes: Buffer.from(`${command}\n`) };
  }
}
