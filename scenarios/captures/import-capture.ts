/**
 * Imports a captured block trace: bytes in any of the known formats become columns of requests.
 *
 * What must hold: the result depends on the bytes alone, not on how they were cut into chunks; no
 * line is dropped without being counted or reported; memory beyond the columns is bounded; and
 * nothing a source contains makes this throw (only a source that cannot be read does).
 */
import { createHash } from "node:crypto";
import { strict as assert } from "node:assert";
import { blkparseReader } from "./blkparse.ts";
import type { BlkparseEvent } from "./blkparse.ts";
import type { BlockCapture, CaptureFormat } from "./capture.ts";
import { CaptureBuilder } from "./capture-builder.ts";
import type { SourceCursor } from "./capture-builder.ts";
import { CompressionProblem, SourceProblem, decompressed } from "./decompress.ts";
import type { CaptureCompression } from "./decompress.ts";
import { fioReader } from "./fio-iolog.ts";
import { SkipCounts } from "./line-reader.ts";
import type { LineReader } from "./line-reader.ts";
import { LineSplitter, MAX_LINE_CHARS } from "./lines.ts";
import { msrReader } from "./msr.ts";
import { nbdkitReader } from "./nbdkit-log.ts";
import { ProblemLog } from "./problems.ts";
import type { CaptureProblem } from "./problems.ts";
import { SNIFF_LINES, sniffLine } from "./sniff.ts";
import { vscsiReader } from "./vscsi.ts";

export interface ImportOptions {
  /** Default: told by the first lines. */
  readonly format?: CaptureFormat;
  /** Default: gzip is recognised, anything else is taken as plain. Brotli must be named. */
  readonly compression?: CaptureCompression;
  /** Accept a source with malformed lines; they are still reported. Default false. */
  readonly lenient?: boolean;
  /**
   * Which disk to take: blkparse "254,0", MSR "hm.1", an fio file name. Default: the only one; a
   * source with several is refused, because a capture drives one disk.
   */
  readonly device?: string;
  /** Which blkparse event is the request. Default: D, else Q, else C. */
  readonly blkparseEvent?: BlkparseEvent;
  /** Stop beyond this many requests (29 bytes of memory each). Default 16,777,216. */
  readonly maxRequests?: number;
}

export type ImportFailureCode =
  | "unsupported-compression"
  | "damaged-compression"
  | "unknown-format"
  | "malformed-lines"
  | "several-devices"
  | "too-many-requests"
  | "empty"
  | "unreadable";

export type ImportResult =
  | {
      readonly ok: true;
      readonly capture: BlockCapture;
      readonly problems: readonly CaptureProblem[];
    }
  | {
      readonly ok: false;
      readonly code: ImportFailureCode;
      readonly message: string;
      readonly problems: readonly CaptureProblem[];
    };

type Failure = readonly [code: ImportFailureCode, message: string];

/**
 * Reads `source` to its end. Every fault of the source's content is a result; a source that throws
 * while it is read gives code "unreadable".
 */
export async function importCapture(
  source: AsyncIterable<Uint8Array> | Uint8Array,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const hash = createHash("sha256");
  const session = new ImportSession(options);
  let failure: Failure | undefined;
  try {
    const chunks = decompressed(
      tapped(source, (chunk) => hash.update(chunk)),
      options.compression,
    );
    for await (const chunk of chunks) {
      session.push(chunk);
      if (session.isFull) break;
    }
  } catch (error) {
    if (error instanceof CompressionProblem) failure = [error.code, error.message];
    else if (error instanceof SourceProblem) failure = ["unreadable", error.message];
    else throw error;
  }
  return session.finish(failure, () => hash.digest("hex"));
}

/** Passes a source through, showing each chunk; marks what the source itself throws. */
async function* tapped(
  source: AsyncIterable<Uint8Array> | Uint8Array,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      see(chunk);
      yield chunk;
    }
  } catch (error) {
    throw new SourceProblem(error instanceof Error ? error.message : String(error));
  }
}

/** One import under way: lines go to the format's reader, once it is known. */
class ImportSession {
  isFull = false;
  private readonly options: ImportOptions;
  private readonly cursor: SourceCursor = { line: 0 };
  private readonly problems = new ProblemLog();
  private readonly skips = new SkipCounts();
  private readonly splitter = new LineSplitter((text) => this.line(text));
  /** Lines before the format was known; at most SNIFF_LINES. */
  private waiting: (string | undefined)[] = [];
  private format: CaptureFormat | undefined;
  private reader: LineReader | undefined;

  constructor(options: ImportOptions) {
    this.options = options;
    if (options.format !== undefined) this.open(options.format);
  }

  push(chunk: Uint8Array): void {
    this.splitter.push(chunk);
  }

  finish(failed: Failure | undefined, sha256: () => string): ImportResult {
    if (failed === undefined && !this.isFull) this.splitter.end();
    const builder = this.reader?.finish();
    const problems = this.problems.toList(
      builder?.outOfOrder ?? 0,
      builder?.firstOutOfOrderLine ?? 0,
    );
    const failure = failed ?? this.verdict(builder);
    if (failure !== undefined) {
      return { ok: false, code: failure[0], message: failure[1], problems };
    }
    assert(builder !== undefined && this.format !== undefined, "a verdict was passed");
    for (const [device, count] of builder.otherDevices) {
      this.skips.add(`request of device ${device}`, count);
    }
    const capture = builder.finish(this.format, this.skips.toRecord(), sha256());
    return { ok: true, capture, problems };
  }

  private verdict(builder: CaptureBuilder | undefined): Failure | undefined {
    if (this.isFull) {
      const message = `more than ${this.maxRequests()} requests; cut it or raise maxRequests`;
      return ["too-many-requests", message];
    }
    if (builder === undefined) {
      const message =
        `none of the first ${SNIFF_LINES} lines is vscsiStats CSV with its header, ` +
        "blkparse text, an fio iolog, MSR CSV or an nbdkit log; name the format if it is one";
      return this.waiting.length === 0
        ? ["empty", "the source has no lines"]
        : ["unknown-format", message];
    }
    const { malformed } = this.problems;
    if (malformed > 0 && this.options.lenient !== true) {
      return ["malformed-lines", `${malformed} malformed ${malformed === 1 ? "line" : "lines"}`];
    }
    if (builder.otherDevices.size > 0 && this.options.device === undefined) {
      const names = [builder.device, ...builder.otherDevices.keys()].join(" ");
      return ["several-devices", `requests of several disks, choose one as device: ${names}`];
    }
    if (builder.requests > 0) return undefined;
    const of = this.options.device === undefined ? "" : ` of device ${this.options.device}`;
    return ["empty", `the source has no requests${of}`];
  }

  private line(text: string | undefined): void {
    if (this.isFull) return;
    if (this.reader !== undefined) {
      this.feed(this.reader, text);
      return;
    }
    const format = text === undefined ? undefined : sniffLine(text);
    if (format === undefined) {
      // Once the format cannot be told any more, nothing else of the source is kept.
      if (this.waiting.length < SNIFF_LINES) this.waiting.push(text);
      return;
    }
    if (this.waiting.length === SNIFF_LINES) return;
    const reader = this.open(format);
    for (const earlier of this.waiting) this.feed(reader, earlier);
    this.waiting = [];
    this.feed(reader, text);
  }

  private feed(reader: LineReader, text: string | undefined): void {
    this.cursor.line++;
    if (text === undefined) {
      const message = `longer than ${MAX_LINE_CHARS} characters`;
      this.problems.malformedLine(this.cursor.line, message, "");
      return;
    }
    if (text.trim() === "") {
      this.skips.add("blank line");
      return;
    }
    const wrong = reader.read(text);
    if (wrong !== undefined) this.problems.malformedLine(this.cursor.line, wrong, text);
    this.isFull = reader.requests() > this.maxRequests();
  }

  private maxRequests(): number {
    return this.options.maxRequests ?? 2 ** 24;
  }

  private open(format: CaptureFormat): LineReader {
    this.format = format;
    this.reader = makeReader(format, this.cursor, this.skips, this.options);
    return this.reader;
  }
}

function makeReader(
  format: CaptureFormat,
  cursor: SourceCursor,
  skips: SkipCounts,
  options: ImportOptions,
): LineReader {
  const { device } = options;
  if (format === "blkparse") return blkparseReader(cursor, device, options.blkparseEvent, skips);
  // Formats that name no disk have one, whatever was asked for.
  const named = format === "msr" || format === "fio-iolog" ? device : undefined;
  const builder = new CaptureBuilder(cursor, named);
  switch (format) {
    case "vscsi":
      return vscsiReader(builder, skips);
    case "msr":
      return msrReader(builder, skips);
    case "fio-iolog":
      return fioReader(builder, skips);
    case "nbdkit-log":
      return nbdkitReader(builder, skips);
  }
}
