/**
 * Progress of long work on stderr: on a terminal one line, rewritten in place; elsewhere, as in a log,
 * a line a minute, so that nothing is written by what is done within one.
 */

const SHORTEST_MS = 100;
const IN_LOG_MS = 60_000;

export interface Progress {
  /** False when nobody would see it in time, so that callers need not compute what to show. */
  readonly shown: boolean;
  update(text: string): void;
  /** Clears the line. To be called before anything else is printed. */
  clear(): void;
}

export interface ProgressOutput {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
}

export function makeProgress(output: ProgressOutput): Progress {
  const { isTerminal } = output;
  let nextMs = isTerminal ? Number.NEGATIVE_INFINITY : performance.now() + IN_LOG_MS;
  let visible = false;
  return {
    get shown() {
      return isTerminal || performance.now() >= nextMs;
    },
    update(text) {
      const nowMs = performance.now();
      if (nowMs < nextMs) return;
      nextMs = nowMs + (isTerminal ? SHORTEST_MS : IN_LOG_MS);
      if (!isTerminal) return output.write(`${text}\n`);
      visible = true;
      output.write(`\r${text.slice(0, Math.max(0, output.columns - 1))}\u001B[K`);
    },
    clear() {
      if (!visible) return;
      visible = false;
      output.write("\r\u001B[K");
    },
  };
}
