// One frame of the chain: its head, its name and meta, its stored payload, its link. A frame is
// believed only after its link was recomputed from the link before it, and nothing it announces is
// allocated before that.
import { timingSafeEqual } from "node:crypto";
import { chainLink } from "./frame-sink.mjs";
import {
  codecs,
  footerMagic,
  frameHeadBytes,
  frameTag,
  limits,
  linkBytes,
  type ChunkKind,
} from "./layout.mjs";
import type { ByteSource } from "./source.ts";

/** Does a recomputed link match the stored one? Replaced only by tests, to prove they notice. */
export type LinkCheck = (before: Uint8Array, bytes: Uint8Array, stored: Uint8Array) => boolean;

export const linkMatches: LinkCheck = (before, bytes, stored) =>
  timingSafeEqual(chainLink(before, bytes), stored);

export interface Frame {
  readonly kind: ChunkKind;
  readonly offset: number;
  /** Of the whole frame, its link included. */
  readonly length: number;
  readonly meta: Uint8Array;
  readonly stored: Uint8Array;
  readonly codecByte: number;
  readonly rawLength: number;
  readonly link: Uint8Array;
}

export type FrameResult =
  | { readonly ok: true; readonly frame: Frame }
  /** `cut`: the file ends within it. `damaged`: its bytes are not what was written. */
  | { readonly ok: false; readonly code: "cut" | "damaged"; readonly message: string };

const cut = { ok: false, code: "cut", message: "the file ends within a chunk" } as const;
const damaged = (message: string): FrameResult => ({ ok: false, code: "damaged", message });

/** Upper bound of a frame's length: no writer stores more than the raw bytes. */
const longestFrame =
  frameHeadBytes + limits.kindBytes + limits.metaBytes + limits.rawBytes + linkBytes;

/**
 * The frame at `offset`, when `before` is the link in front of it. Whether a footer begins there
 * instead is the caller's to ask first (`startsFooter`).
 */
export function readFrame(
  source: ByteSource,
  offset: number,
  before: Uint8Array,
  matches: LinkCheck,
): FrameResult {
  const head = source.read(offset, frameHeadBytes);
  if (head === undefined) return cut;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const codecByte = head[1]!;
  const kindLength = head[2]!;
  const metaLength = view.getUint32(4, true);
  const storedLength = view.getUint32(8, true);
  const rawLength = view.getUint32(12, true);
  const length = frameHeadBytes + kindLength + metaLength + storedLength + linkBytes;
  const sane =
    head[0] === frameTag && head[3] === 0 && kindLength > 0 && kindLength <= limits.kindBytes;
  if (!sane) return damaged("no chunk begins here");
  if (metaLength > limits.metaBytes || length > longestFrame || rawLength > limits.rawBytes) {
    return damaged("a chunk longer than any writer makes");
  }
  if (codecByte !== codecs.raw && codecByte !== codecs.brotli) {
    return damaged(`a chunk of unknown codec ${codecByte}`);
  }
  const bytes = source.read(offset, length);
  if (bytes === undefined) return cut;
  const link = bytes.slice(length - linkBytes);
  if (!matches(before, bytes.subarray(0, length - linkBytes), link)) {
    return damaged("a chunk that does not match its hash");
  }
  const metaStart = frameHeadBytes + kindLength;
  const kind = new TextDecoder("latin1").decode(bytes.subarray(frameHeadBytes, metaStart));
  if (!/^[a-z][a-z0-9-]*$/.test(kind)) return damaged("a chunk whose kind is no name");
  return {
    ok: true,
    frame: {
      kind,
      offset,
      length,
      meta: bytes.slice(metaStart, metaStart + metaLength),
      stored: bytes.subarray(metaStart + metaLength, length - linkBytes),
      codecByte,
      rawLength,
      link,
    },
  };
}

export function startsFooter(source: ByteSource, offset: number): boolean {
  return source.read(offset, 1)?.[0] === footerMagic[0];
}
