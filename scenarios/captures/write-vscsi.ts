/**
 * Writes a capture as vscsiStats CSV, so that any source can be normalised to one form. What must
 * hold: importing the text gives the same requests. `segments` was not captured and is written as
 * 1 (0 for a flush); a flush is SYNCHRONIZE CACHE (0x35) of length 0, a discard UNMAP (0x42) with
 * its range, which plain vscsiStats traces do not have.
 */
import type { BlockCapture, CapturedOp } from "./capture.ts";
import { CAPTURED_OPS, SECTOR_BYTES } from "./capture.ts";
import { VSCSI_HEADER } from "./vscsi.ts";

const TYPE_OF: Readonly<Record<CapturedOp, string>> = {
  read: "read",
  write: "write",
  flush: "0x35",
  discard: "0x42",
};

/** The lines of the CSV, header first, each with its newline. */
export function* vscsiLines(capture: BlockCapture): Generator<string> {
  yield `${VSCSI_HEADER}\n`;
  for (let i = 0; i < capture.op.length; i++) {
    const op = CAPTURED_OPS[capture.op[i]!]!;
    const bytes = capture.sectors[i]! * SECTOR_BYTES;
    const segments = op === "flush" ? 0 : 1;
    const at = capture.atUs[i]!;
    yield `${i + 1},${bytes},${segments},${TYPE_OF[op]},${capture.sector[i]!},${at}\n`;
  }
}

/** The whole CSV as one text; for files, `vscsiLines` needs no such memory. */
export function formatVscsi(capture: BlockCapture): string {
  return [...vscsiLines(capture)].join("");
}
