/**
 * One call for every format that `orrery export --disk` knows.
 */
import type { ImageSource } from "./image-source.ts";
import { writeQcow2 } from "./qcow2.ts";
import { writeRaw } from "./raw.ts";
import { writeVmdkFlat, writeVmdkSparse } from "./vmdk.ts";

const WRITERS = {
  raw: writeRaw,
  qcow2: (path: string, source: ImageSource) => writeQcow2(path, source),
  vmdk: (path: string, source: ImageSource) => writeVmdkSparse(path, source),
  "vmdk-flat": (path: string, source: ImageSource) => writeVmdkFlat(path, source),
} as const;

export type ImageFormat = keyof typeof WRITERS;

/**
 * Writes `source` to `path`, replacing what is there; until it is whole it is under another name.
 * Throws what the file system throws (no space, no such folder).
 */
export function writeImage(path: string, format: ImageFormat, source: ImageSource): void {
  WRITERS[format](path, source);
}
