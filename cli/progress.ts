/** Progress of long work: one line on stderr, rewritten in place, and only on a terminal. */

const SHORTEST_MS = 100;

export interface Progress {
  /** False when nobody would see it, so that callers need not compute what to show. */
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
  let lastMs = Number.NEGATIVE_INFINITY;
  let visible = false;
  return {
    shown: output.isTerminal,
    update(text) {
      const nowMs = performance.now();
      if (!output.isTerminal || nowMs - lastMs < SHORTEST_MS) return;
      lastMs = nowMs;
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
