// The list of a trace's chunks, found in one of two ways: quickly, through footer and index, or
// surely, by walking the chain from the header and believing nothing but it.
import type { DecodedColumn } from "./columns.ts";
import { decodeColumns } from "./columns.ts";
import { readFrame, startsFooter, type Frame, type LinkCheck } from "./frame.ts";
import { inflate } from "./inflate.ts";
import { chunkKinds, footerBytes, footerMagic, limits, linkBytes } from "./layout.mjs";
import type { ChunkKind } from "./layout.mjs";
import { decodePlainMap, type PlainMap } from "./plain.ts";
import type { ByteSource } from "./source.ts";

/** One chunk of a trace, not yet read. */
export interface ChunkRef {
  /** Its place among all chunks. */
  readonly index: number;
  readonly kind: ChunkKind;
  readonly meta: PlainMap;
  readonly offset: number;
  /** Of the whole frame in the file, in bytes. */
  readonly length: number;
  readonly link: Uint8Array;
}

export type DamageCode =
  /** The file ends after a whole chunk without index and footer: the run was killed. */
  | "unfinished"
  /** The file ends within a chunk. */
  | "cut"
  | "damaged-chunk"
  | "damaged-index"
  | "damaged-footer"
  | "bytes-after-the-end";

export interface Damage {
  readonly code: DamageCode;
  /** The first byte that is not to be believed. */
  readonly offset: number;
  readonly message: string;
}

export interface ChunkList {
  readonly chunks: readonly ChunkRef[];
  /** Absent when the file is whole. */
  readonly damage?: Damage;
}

/** Where the chain of chunks begins. */
export interface ChainStart {
  readonly offset: number;
  readonly link: Uint8Array;
}

function footerProblem(
  source: ByteSource,
  offset: number,
  before: Uint8Array,
  expected: { readonly indexOffset: number; readonly chunks: number },
  matches: LinkCheck,
): string | undefined {
  const footer = source.read(offset, footerBytes);
  if (footer === undefined) return "the file ends within its footer";
  const bodyBytes = footerBytes - linkBytes;
  if (!matches(before, footer.subarray(0, bodyBytes), footer.subarray(bodyBytes))) {
    return "the footer does not match its hash";
  }
  const view = new DataView(footer.buffer, footer.byteOffset, footerBytes);
  const agrees =
    footerMagic.every((byte, index) => footer[index] === byte) &&
    Number(view.getBigUint64(8, true)) === expected.indexOffset &&
    view.getUint32(16, true) === expected.chunks &&
    Number(view.getBigUint64(24, true)) === offset + footerBytes;
  return agrees ? undefined : "the footer describes another file";
}

/** A column of the index, or undefined when it is absent or of another type. */
function column<T extends DecodedColumn["type"]>(
  columns: ReadonlyMap<string, DecodedColumn>,
  name: string,
  type: T,
): Extract<DecodedColumn, { type: T }> | undefined {
  const found = columns.get(name);
  return found?.type === type ? (found as Extract<DecodedColumn, { type: T }>) : undefined;
}

/** The chunks that an index frame lists, when they fill the file from `start` to the index. */
function listed(frame: Frame, start: ChainStart): readonly ChunkRef[] | undefined {
  const payload = inflate(frame.codecByte, frame.stored, frame.rawLength);
  const decoded = payload === undefined ? undefined : decodeColumns(payload);
  if (decoded?.ok !== true) return undefined;
  const kinds = column(decoded.columns, "kind", "strings")?.values;
  const lengths = column(decoded.columns, "length", "u32")?.values;
  const metaLengths = column(decoded.columns, "metaLength", "u32")?.values;
  const metas = column(decoded.columns, "meta", "bytes")?.values;
  const links = column(decoded.columns, "link", "bytes")?.values;
  if (!kinds || !lengths || !metaLengths || !metas || !links) return undefined;
  const count = kinds.length;
  const even = lengths.length === count && metaLengths.length === count;
  if (!even || links.length !== count * linkBytes || count > limits.chunks) return undefined;
  const chunks: ChunkRef[] = [];
  let { offset } = start;
  let metaAt = 0;
  for (const [index, kind] of kinds.entries()) {
    const meta = decodePlainMap(metas.subarray(metaAt, metaAt + metaLengths[index]!));
    if (!meta.ok) return undefined;
    const length = lengths[index]!;
    const link = links.slice(index * linkBytes, (index + 1) * linkBytes);
    chunks.push({ index, kind, meta: meta.value, offset, length, link });
    offset += length;
    metaAt += metaLengths[index]!;
  }
  return offset === frame.offset && metaAt === metas.length ? chunks : undefined;
}

/**
 * The chunks by footer and index, without reading any chunk. Undefined when either is missing or
 * not to be believed. That the index belongs to the chunks is proven by the chain: the bytes in
 * front of it are the last chunk's link, which both list and hash.
 */
export function chunksByIndex(
  source: ByteSource,
  start: ChainStart,
  matches: LinkCheck,
): readonly ChunkRef[] | undefined {
  const footerOffset = source.length - footerBytes;
  const footer = footerOffset > start.offset ? source.read(footerOffset, footerBytes) : undefined;
  if (footer === undefined) return undefined;
  const at = new DataView(footer.buffer, footer.byteOffset).getBigUint64(8, true);
  if (at < BigInt(start.offset) || at >= BigInt(footerOffset)) return undefined;
  const indexOffset = Number(at);
  const before = source.read(indexOffset - linkBytes, linkBytes);
  if (before === undefined) return undefined;
  const result = readFrame(source, indexOffset, before, matches);
  if (!result.ok || result.frame.kind !== chunkKinds.index) return undefined;
  const { frame } = result;
  if (frame.offset + frame.length !== footerOffset) return undefined;
  const chunks = listed(frame, start);
  if (chunks === undefined) return undefined;
  const last = chunks.at(-1)?.link ?? start.link;
  if (!last.every((byte, index) => before[index] === byte)) return undefined;
  const expected = { indexOffset, chunks: chunks.length };
  const problem = footerProblem(source, footerOffset, frame.link, expected, matches);
  return problem === undefined ? chunks : undefined;
}

/** Does the index list exactly the chunks that the walk found? */
function agrees(frame: Frame, start: ChainStart, chunks: readonly ChunkRef[]): boolean {
  const list = listed(frame, start);
  if (list === undefined || list.length !== chunks.length) return false;
  return chunks.every((chunk, index) => {
    const other = list[index]!;
    const sameLink = chunk.link.every((byte, place) => other.link[place] === byte);
    return sameLink && chunk.kind === other.kind && chunk.length === other.length;
  });
}

/** What follows the last chunk: an index that agrees, a footer, and nothing else. */
function endDamage(
  source: ByteSource,
  start: ChainStart,
  frame: Frame,
  chunks: readonly ChunkRef[],
  matches: LinkCheck,
): Damage | undefined {
  const { offset } = frame;
  if (!agrees(frame, start, chunks)) {
    return { code: "damaged-index", offset, message: "the index lists other chunks" };
  }
  const footerOffset = offset + frame.length;
  const expected = { indexOffset: offset, chunks: chunks.length };
  const problem = footerProblem(source, footerOffset, frame.link, expected, matches);
  if (problem !== undefined) {
    return { code: "damaged-footer", offset: footerOffset, message: problem };
  }
  const end = footerOffset + footerBytes;
  if (end === source.length) return undefined;
  return { code: "bytes-after-the-end", offset: end, message: "bytes follow the footer" };
}

function frameDamage(
  source: ByteSource,
  offset: number,
  failure: { readonly code: "cut" | "damaged"; readonly message: string },
): Damage {
  if (offset === source.length) {
    const message = "the file ends without index and footer; its run did not finish";
    return { code: "unfinished", offset, message };
  }
  const code = failure.code === "cut" ? "cut" : "damaged-chunk";
  return { code, offset, message: failure.message };
}

/** Every chunk up to the first damage, each held against the chain. Reads the whole file once. */
export function chunksByWalk(source: ByteSource, start: ChainStart, matches: LinkCheck): ChunkList {
  const chunks: ChunkRef[] = [];
  let { offset, link } = start;
  for (;;) {
    const index = chunks.length;
    if (startsFooter(source, offset)) {
      const message = "a footer without an index";
      return { chunks, damage: { code: "damaged-index", offset, message } };
    }
    const result = readFrame(source, offset, link, matches);
    if (!result.ok) return { chunks, damage: frameDamage(source, offset, result) };
    const { frame } = result;
    if (frame.kind === chunkKinds.index) {
      const damage = endDamage(source, start, frame, chunks, matches);
      return damage === undefined ? { chunks } : { chunks, damage };
    }
    const meta = decodePlainMap(frame.meta);
    const reserved = frame.kind === chunkKinds.header || frame.kind === chunkKinds.footer;
    if (!meta.ok || reserved || index >= limits.chunks) {
      const message = meta.ok ? "a chunk that no writer makes" : `a chunk's meta: ${meta.message}`;
      return { chunks, damage: { code: "damaged-chunk", offset, message } };
    }
    const { kind, length } = frame;
    chunks.push({ index, kind, meta: meta.value, offset, length, link: frame.link });
    offset += length;
    ({ link } = frame);
  }
}
