/**
 * Undoes the compression of a capture's source as it streams. gzip is known by its first bytes;
 * brotli has none and is known by its file name or by being named. What Node 20's zlib cannot undo
 * (zstd, xz, bzip2) is said by name, with the command that helps.
 */
import { Readable, pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";

export type CaptureCompression = "none" | "gzip" | "brotli";

/** Bad input of this layer: the source's compression is unknown to Node's zlib, or damaged. */
export class CompressionProblem extends Error {
  readonly code: "unsupported-compression" | "damaged-compression";

  constructor(code: CompressionProblem["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What failed was the source itself (a disk, a socket), not what it carried. */
export class SourceProblem extends Error {}

const UNSUPPORTED: readonly (readonly [name: string, magic: readonly number[], tool: string])[] = [
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd], "zstd -d"],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz -d"],
  ["bzip2", [0x42, 0x5a, 0x68], "bzip2 -d"],
];
const GZIP: readonly number[] = [0x1f, 0x8b];
const LONGEST_MAGIC = 6;

/** The plain bytes of `source`; throws CompressionProblem, and passes SourceProblem on. */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  named: CaptureCompression | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    yield* decode(iterator, named);
  } finally {
    // A consumer that stops early must not leave a file open behind the look at its head.
    await iterator.return?.();
  }
}

async function* decode(
  iterator: AsyncIterator<Uint8Array>,
  named: CaptureCompression | undefined,
): AsyncGenerator<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  let next = await iterator.next();
  while (next.done !== true && head.length + next.value.length < LONGEST_MAGIC) {
    head = Buffer.concat([head, next.value]);
    next = await iterator.next();
  }
  if (next.done !== true) head = Buffer.concat([head, next.value]);
  const compression = named ?? detect(head);
  let fed = 0;
  const whole = resumed(head, iterator, (bytes) => (fed += bytes));
  if (compression === "none") {
    yield* whole;
    return;
  }
  const decoder = compression === "gzip" ? createGunzip() : createBrotliDecompress();
  // The error of a broken stream arrives through the loop below; the callback only claims it.
  const output = pipeline(Readable.from(whole, { objectMode: false }), decoder, () => undefined);
  try {
    for await (const chunk of output) yield chunk as Uint8Array;
    // Whether zlib objects to bytes behind the end depends on chunk borders; this does not.
    if (decoder.bytesWritten !== fed || (await iterator.next()).done !== true) {
      throw new Error("more data behind its end");
    }
  } catch (error) {
    if (error instanceof SourceProblem) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CompressionProblem("damaged-compression", `damaged ${compression} data: ${why}`);
  }
}

function detect(head: Uint8Array): CaptureCompression {
  for (const [name, magic, tool] of UNSUPPORTED) {
    if (startsWith(head, magic)) {
      const message =
        `${name} compression is not supported; ` +
        `unpack it first (${tool}), or use gzip or brotli`;
      throw new CompressionProblem("unsupported-compression", message);
    }
  }
  return startsWith(head, GZIP) ? "gzip" : "none";
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

async function* resumed(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  count(head.length);
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    count(next.value.length);
    if (next.value.length > 0) yield next.value;
  }
}
