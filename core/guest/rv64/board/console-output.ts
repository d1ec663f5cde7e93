// Bytes on their way out of a console port. They leave together: at a newline, when there are many, or a millisecond of the
// guest's clock after the first of them, so that one line is one output wherever the host cuts its runs.

import type { BoardConfig } from "./config.ts";
import type { ConsoleState } from "./state.ts";

const NEWLINE = 10;
const MOST_BYTES = 256;
const FLUSHES_PER_SECOND = 1000;

/** Adds a byte; true: what is there now leaves at once. */
export function addByte(
  port: ConsoleState,
  byte: number,
  progress: number,
  config: BoardConfig,
): boolean {
  port.output.push(byte);
  port.flushAt ??= progress + Math.ceil(config.instructionsPerSecond / FLUSHES_PER_SECOND);
  return byte === NEWLINE || port.output.length >= MOST_BYTES;
}

/** Takes everything out. */
export function takeOutput(port: ConsoleState): Uint8Array {
  const bytes = Uint8Array.from(port.output);
  port.output = [];
  port.flushAt = null;
  return bytes;
}
