/** Reads a capture from a file; the only place here that touches the file system. */
import { createReadStream } from "node:fs";
import type { CaptureCompression } from "./decompress.ts";
import { importCapture } from "./import-capture.ts";
import type { ImportOptions, ImportResult } from "./import-capture.ts";

/**
 * Imports the file at `path`. A name that ends in `.br` is brotli unless `options.compression` says
 * otherwise; gzip is recognised by content. A file that is missing or cannot be read gives code
 * "unreadable".
 */
export async function readCaptureFile(
  path: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const compression: CaptureCompression | undefined =
    options.compression ?? (path.endsWith(".br") ? "brotli" : undefined);
  const source = createReadStream(path, { highWaterMark: 1 << 18 });
  return importCapture(source, compression === undefined ? options : { ...options, compression });
}
