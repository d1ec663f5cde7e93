// Makes the bytes of a trace file: prefix, chained frames, index, footer. It knows nothing of
// threads or files: `write(pieces)` receives each frame whole, in order. Memory, file and thread
// writers all use this one class, so their files are identical.
// The state is plain data, so a half-written file can be handed from one thread to another.
import { createHash } from "node:crypto";
import { compressed } from "./byte-writer.mjs";
import { encodeColumns } from "./encode-columns.mjs";
import {
  chunkKinds,
  codecs,
  fileMagic,
  footerBytes,
  footerMagic,
  formatVersion,
  frameHeadBytes,
  frameTag,
  limits,
  linkBytes,
  minimumReaderVersion,
  prefixBytes,
} from "./layout.mjs";

/** Brotli quality by the writer's choice; raw payloads are stored as they are. */
const qualities = Object.freeze({ fast: 1, small: 6 });

/** The next link of the chain: SHA-256 over the link before and these bytes, cut to 128 bits. */
export function chainLink(before, ...pieces) {
  const hash = createHash("sha256").update(before);
  for (const piece of pieces) hash.update(piece);
  return hash.digest().subarray(0, linkBytes);
}

export const noLink = new Uint8Array(linkBytes);

function check(holds, message) {
  if (!holds) throw new RangeError(`trace writer: ${message}`);
}

export class FrameSink {
  #write;
  /** Plain data: {offset, link, entries: [{kind, length, meta, link}]}. */
  state;

  constructor(write, state = { offset: 0, link: noLink, entries: [] }) {
    this.#write = write;
    this.state = state;
  }

  #emit(pieces, link) {
    this.#write(pieces);
    for (const { length } of pieces) this.state.offset += length;
    this.state.link = link;
  }

  /** Prefix and header frame. `header` is the encoded header. */
  begin(header) {
    const prefix = new Uint8Array(prefixBytes);
    const view = new DataView(prefix.buffer);
    prefix.set(fileMagic);
    view.setUint16(8, formatVersion, true);
    view.setUint16(10, minimumReaderVersion, true);
    const link = chainLink(noLink, prefix.subarray(0, prefixBytes - linkBytes));
    prefix.set(link, prefixBytes - linkBytes);
    this.#emit([prefix], link);
    this.#frame(chunkKinds.header, new Uint8Array(0), header, "small");
  }

  /** One chunk. `meta` is encoded plain data; `codec` is "fast", "small" or "raw". */
  append(kind, meta, payload, codec) {
    const { offset } = this.state;
    this.#frame(kind, meta, payload, codec);
    this.#list(kind, meta, offset);
  }

  appendColumns(kind, meta, columns) {
    this.append(kind, meta, encodeColumns(columns), "raw");
  }

  /** A chunk whose payload is already stored bytes of another file. */
  appendStored(kind, meta, stored, codecByte, rawLength) {
    const { offset } = this.state;
    this.#store(kind, meta, stored, codecByte, rawLength);
    this.#list(kind, meta, offset);
  }

  #list(kind, meta, offset) {
    const { entries, link } = this.state;
    check(entries.length < limits.chunks, "too many chunks");
    entries.push({ kind, length: this.state.offset - offset, meta, link });
  }

  #frame(kind, meta, payload, codec) {
    const packed = codec === "raw" ? undefined : compressed(payload, qualities[codec]);
    const codecByte = packed === undefined ? codecs.raw : codecs.brotli;
    this.#store(kind, meta, packed ?? payload, codecByte, payload.length);
  }

  #store(kind, meta, stored, codecByte, rawLength) {
    const name = new TextEncoder().encode(kind);
    check(/^[a-z][a-z0-9-]*$/.test(kind) && name.length <= limits.kindBytes, `kind ${kind}`);
    check(meta.length <= limits.metaBytes, `${kind}: meta of ${meta.length} bytes`);
    check(rawLength <= limits.rawBytes, `${kind}: payload of ${rawLength} bytes`);
    const head = new Uint8Array(frameHeadBytes + name.length + meta.length);
    const view = new DataView(head.buffer);
    head[0] = frameTag;
    head[1] = codecByte;
    head[2] = name.length;
    view.setUint32(4, meta.length, true);
    view.setUint32(8, stored.length, true);
    view.setUint32(12, rawLength, true);
    head.set(name, frameHeadBytes);
    head.set(meta, frameHeadBytes + name.length);
    const link = chainLink(this.state.link, head, stored);
    this.#emit([head, stored, link], link);
  }

  #index() {
    const { entries } = this.state;
    const metaBytes = new Uint8Array(entries.reduce((sum, { meta }) => sum + meta.length, 0));
    const links = new Uint8Array(entries.length * linkBytes);
    let at = 0;
    for (const [place, { meta, link }] of entries.entries()) {
      metaBytes.set(meta, at);
      at += meta.length;
      links.set(link, place * linkBytes);
    }
    return encodeColumns({
      kind: { type: "strings", values: entries.map(({ kind }) => kind) },
      length: { type: "u32", values: Uint32Array.from(entries, ({ length }) => length) },
      metaLength: { type: "u32", values: Uint32Array.from(entries, ({ meta }) => meta.length) },
      meta: { type: "bytes", values: metaBytes },
      link: { type: "bytes", values: links },
    });
  }

  /** Index and footer: the file is whole afterwards. */
  finish() {
    const indexOffset = this.state.offset;
    this.#frame(chunkKinds.index, new Uint8Array(0), this.#index(), "raw");
    const footer = new Uint8Array(footerBytes);
    const view = new DataView(footer.buffer);
    footer.set(footerMagic);
    view.setBigUint64(8, BigInt(indexOffset), true);
    view.setUint32(16, this.state.entries.length, true);
    view.setBigUint64(24, BigInt(this.state.offset + footerBytes), true);
    const link = chainLink(this.state.link, footer.subarray(0, footerBytes - linkBytes));
    footer.set(link, footerBytes - linkBytes);
    this.#emit([footer], link);
  }
}
