// Where a trace's bytes come from: memory, or an open file read piece by piece, so that a large
// trace is never in memory as a whole.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

export interface ByteSource {
  readonly length: number;
  /** Undefined when the bytes are not all there. May be a view. */
  readonly read: (offset: number, length: number) => Uint8Array | undefined;
  readonly close: () => void;
}

export type SourceResult =
  | { readonly ok: true; readonly source: ByteSource }
  | { readonly ok: false; readonly message: string };

export function memorySource(from: Uint8Array): ByteSource {
  // Never a Buffer, whose `slice` does not copy.
  const bytes = new Uint8Array(from.buffer, from.byteOffset, from.length);
  return {
    length: bytes.length,
    read: (offset, length) =>
      offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : undefined,
    close: () => {},
  };
}

function readFully(file: number, offset: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(file, bytes, done, length - done, offset + done);
    if (count === 0) return undefined;
    done += count;
  }
  return bytes;
}

/** The file as long as it is now: what is appended later is not seen. */
export function fileSource(path: string): SourceResult {
  try {
    const file = openSync(path, "r");
    const status = fstatSync(file);
    if (!status.isFile()) {
      closeSync(file);
      return { ok: false, message: `${path} is no file` };
    }
    const length = status.size;
    return {
      ok: true,
      source: {
        length,
        read: (offset, count) =>
          offset + count <= length ? readFully(file, offset, count) : undefined,
        close: () => closeSync(file),
      },
    };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
