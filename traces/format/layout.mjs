// The numbers and names that make an .orrery file: everything a reader and a writer must agree on.
// README.md beside this file draws the layout and holds the checklist for changing it.
// Plain JavaScript (typed by layout.d.mts), because the writer's thread loads it without a loader.

/** First 8 bytes: a byte above 127, the name, CR LF and ^Z, so that text-mode transfers show. */
export const fileMagic = Uint8Array.of(0x89, 0x4f, 0x52, 0x52, 0x59, 0x0d, 0x0a, 0x1a);

/** First 8 bytes of the footer. Its first byte differs from `frameTag`. */
export const footerMagic = Uint8Array.of(0x8a, 0x4f, 0x52, 0x52, 0x45, 0x4e, 0x44, 0x0a);

/** Version of what this code writes. */
export const formatVersion = 1;

/** The oldest reader that understands what this code writes. */
export const minimumReaderVersion = 1;

/** Bytes of a chain link: SHA-256 cut to 128 bits. */
export const linkBytes = 16;

/** magic 8, format version u16, minimum reader version u16, link. */
export const prefixBytes = 12 + linkBytes;

/** tag u8, codec u8, kind length u8, zero u8, meta length u32, stored u32, raw u32. */
export const frameHeadBytes = 16;

export const frameTag = 0x43;

/** magic 8, index offset u64, chunk count u32, zero u32, file length u64, link. */
export const footerBytes = 32 + linkBytes;

/** How a payload is stored. The number is the codec byte. */
export const codecs = Object.freeze({ raw: 0, brotli: 1 });

/**
 * Names of the chunks. `header`, `index` and `footer` belong to the container; the others are
 * appended by the recorder, which may add kinds of its own.
 */
export const chunkKinds = Object.freeze({
  header: "header",
  draws: "draws",
  inputs: "inputs",
  notices: "notices",
  epoch: "epoch",
  snapshot: "snapshot",
  boundary: "boundary",
  vmOutput: "vm-output",
  end: "end",
  index: "index",
  footer: "footer",
});

/** Bounds that hold for every file, checked on both sides. Bytes unless the name says otherwise. */
export const limits = Object.freeze({
  kindBytes: 32,
  metaBytes: 64 * 1024,
  /** A chunk's payload, before compression. */
  rawBytes: 64 * 1024 * 1024,
  /** All columns of one chunk, decoded. */
  columnBytes: 256 * 1024 * 1024,
  /** Values of one column. */
  columnValues: 1 << 22,
  /** Values of one column of streams, each of which may be a stream of its own. */
  streamValues: 1 << 20,
  columns: 256,
  /** Chunks of one file. */
  chunks: 1 << 20,
  plainDepth: 64,
  keyBytes: 4096,
});
