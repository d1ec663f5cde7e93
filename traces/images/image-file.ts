/**
 * A file written at positions, sparse where nothing is written. It appears under its name only when
 * it is whole: an export that was cut short leaves no file that looks like an image.
 */
import { closeSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

export class ImageFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Writes all of `bytes` at byte `position`. */
  write(position: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.length - done;
      done += writeSync(this.#descriptor, bytes, done, rest, position + done);
    }
  }

  /** Sets the length; what was never written reads as zeros. */
  setLength(bytes: number): void {
    ftruncateSync(this.#descriptor, bytes);
  }
}

/** Makes `path` of what `fill` writes, or, if that throws, leaves `path` as it was. */
export function makeImageFile(path: string, fill: (file: ImageFile) => void): void {
  const unfinished = `${path}.unfinished`;
  const descriptor = openSync(unfinished, "w");
  let whole = false;
  try {
    fill(new ImageFile(descriptor));
    whole = true;
  } finally {
    closeSync(descriptor);
    if (!whole) rmSync(unfinished, { force: true });
  }
  renameSync(unfinished, path);
}
