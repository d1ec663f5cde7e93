/** Ctrl-C: the first one asks the verb to close what it writes, the second one ends the process. */
import type { Terminal } from "./context.ts";
import { EXIT } from "./exit-codes.ts";

/** A signal that is aborted by the first SIGINT or SIGTERM. */
export function watchInterrupts(terminal: Terminal): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    terminal.stderr("\norrery: interrupted, closing; once more to stop at once\n");
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}
