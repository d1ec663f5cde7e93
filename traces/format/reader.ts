// Opens a trace and reads its chunks. Damage is data: a trace that lost its end or was changed
// opens as `salvaged`, with every chunk up to the damage and none after it.
import type { ColumnsResult } from "./columns.ts";
import { decodeColumns } from "./columns.ts";
import { linkMatches, readFrame, type LinkCheck } from "./frame.ts";
import { readHeader, type HeaderResult, type ReadHeader } from "./header.ts";
import { inflate } from "./inflate.ts";
import { chunkKinds, type ChunkKind } from "./layout.mjs";
import { decodePlain, type Plain, type PlainMap, type PlainResult } from "./plain.ts";
import { fileSource, memorySource, type ByteSource } from "./source.ts";
import {
  chunksByIndex,
  chunksByWalk,
  type ChainStart,
  type ChunkRef,
  type Damage,
} from "./trace-index.ts";

export interface OpenOptions {
  /**
   * `full` (default): every byte is held against the chain before anything is believed.
   * `index`: only header, index and footer are; each chunk is verified when it is read. Falls back
   * to a full walk when index or footer fail.
   */
  readonly verify?: "full" | "index";
}

export type ReadResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly damage: Damage };

export type VerifyResult =
  | { readonly ok: true; readonly chunks: number; readonly bytes: number }
  | { readonly ok: false; readonly damage: Damage };

export interface Trace {
  readonly header: ReadHeader;
  /** All chunks, or those of one kind, in file order. */
  readonly chunks: (kind?: ChunkKind) => readonly ChunkRef[];
  /** A chunk's payload, verified against the chain. */
  readonly read: (chunk: ChunkRef) => ReadResult;
  readonly readPlain: (chunk: ChunkRef) => PlainResult<Plain>;
  readonly readColumns: (chunk: ChunkRef) => ColumnsResult;
  /** Holds every byte of the file against the chain. */
  readonly verifyAll: () => VerifyResult;
  /** Meta of the `end` chunk: how the run ended. Absent when it did not say. */
  readonly end: PlainMap | undefined;
  readonly fileBytes: number;
  /** Closes the file. Chunks cannot be read afterwards. */
  readonly close: () => void;
}

export type OpenResult =
  | { readonly ok: true; readonly status: "whole"; readonly trace: Trace }
  | {
      readonly ok: true;
      readonly status: "salvaged";
      readonly trace: Trace;
      readonly damage: Damage;
    }
  | (HeaderResult & { readonly ok: false })
  | { readonly ok: false; readonly code: "unreadable"; readonly message: string };

function readChunk(
  source: ByteSource,
  start: ChainStart,
  chunks: readonly ChunkRef[],
  chunk: ChunkRef,
  matches: LinkCheck,
): ReadResult {
  const failed = (message: string): ReadResult => ({
    ok: false,
    damage: { code: "damaged-chunk", offset: chunk.offset, message },
  });
  const before = chunk.index === 0 ? start.link : chunks[chunk.index - 1]!.link;
  const result = readFrame(source, chunk.offset, before, matches);
  if (!result.ok) return failed(result.message);
  const { frame } = result;
  const asListed =
    frame.kind === chunk.kind &&
    frame.length === chunk.length &&
    frame.link.every((byte, index) => chunk.link[index] === byte);
  if (!asListed) return failed("a chunk that is not the one listed");
  const bytes = inflate(frame.codecByte, frame.stored, frame.rawLength);
  if (bytes === undefined) return failed("a chunk that does not unpack");
  return { ok: true, bytes };
}

function makeTrace(
  source: ByteSource,
  header: ReadHeader,
  start: ChainStart,
  chunks: readonly ChunkRef[],
  matches: LinkCheck,
): Trace {
  const read = (chunk: ChunkRef): ReadResult => readChunk(source, start, chunks, chunk, matches);
  return {
    header,
    chunks: (kind) => (kind === undefined ? chunks : chunks.filter((each) => each.kind === kind)),
    read,
    readPlain: (chunk) => {
      const result = read(chunk);
      return result.ok ? decodePlain(result.bytes) : { ok: false, message: result.damage.message };
    },
    readColumns: (chunk) => {
      const result = read(chunk);
      return result.ok
        ? decodeColumns(result.bytes)
        : { ok: false, message: result.damage.message };
    },
    verifyAll: () => {
      const { chunks: found, damage } = chunksByWalk(source, start, matches);
      if (damage !== undefined) return { ok: false, damage };
      return { ok: true, chunks: found.length, bytes: source.length };
    },
    end: chunks.findLast(({ kind }) => kind === chunkKinds.end)?.meta,
    fileBytes: source.length,
    close: source.close,
  };
}

/** As `openTrace`, from any source, with the check of links replaceable (by a test's canary). */
export function openSource(
  source: ByteSource,
  options: OpenOptions = {},
  matches: LinkCheck = linkMatches,
): OpenResult {
  const opened = readHeader(source, matches);
  if (!opened.ok) {
    source.close();
    return opened;
  }
  const start: ChainStart = { offset: opened.firstOffset, link: opened.link };
  const quick = options.verify === "index" ? chunksByIndex(source, start, matches) : undefined;
  const { chunks, damage } =
    quick === undefined ? chunksByWalk(source, start, matches) : { chunks: quick };
  const trace = makeTrace(source, opened.header, start, chunks, matches);
  if (damage === undefined) return { ok: true, status: "whole", trace };
  return { ok: true, status: "salvaged", trace, damage };
}

/** Opens a trace by path or from bytes. Never throws for what the bytes hold. */
export function openTrace(from: string | Uint8Array, options: OpenOptions = {}): OpenResult {
  if (typeof from !== "string") return openSource(memorySource(from), options);
  const opened = fileSource(from);
  if (!opened.ok) return { ok: false, code: "unreadable", message: opened.message };
  return openSource(opened.source, options);
}
