// The start of a trace: prefix (magic and versions) and header frame (what was run). The prefix has
// its own link, so a changed version is damage and never passes for a newer format.
import { createHash } from "node:crypto";
import { noLink } from "./frame-sink.mjs";
import { readFrame, type LinkCheck } from "./frame.ts";
import { inflate } from "./inflate.ts";
import { chunkKinds, fileMagic, formatVersion, linkBytes, prefixBytes } from "./layout.mjs";
import { decodePlainMap, encodePlain, type PlainMap } from "./plain.ts";
import type { ByteSource } from "./source.ts";

export interface TraceHeader {
  readonly codeVersion: string;
  /** Canonical JSON of the scenario document. */
  readonly scenarioJson: string;
  readonly seed: number | string;
  /** An epoch ends after so many events or nanoseconds, whichever is first. */
  readonly epochEvents: number;
  readonly epochNs: number;
  /** Whatever else the recorder wants known before the first chunk. */
  readonly extra: PlainMap;
}

/** A header as read: with the versions of the file and the SHA-256 of `scenarioJson`, in hex. */
export interface ReadHeader extends TraceHeader {
  readonly formatVersion: number;
  readonly minimumReaderVersion: number;
  readonly scenarioHash: string;
}

export type HeaderResult =
  | {
      readonly ok: true;
      readonly header: ReadHeader;
      /** Where the first chunk begins, and the link in front of it. */
      readonly firstOffset: number;
      readonly link: Uint8Array;
    }
  | {
      readonly ok: false;
      readonly code: "empty" | "not-a-trace" | "newer-format" | "damaged-header";
      readonly message: string;
    };

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export function encodeHeader(header: TraceHeader): Uint8Array {
  const { codeVersion, scenarioJson, seed, epochEvents, epochNs, extra } = header;
  const scenarioHash = sha256(scenarioJson);
  return encodePlain({
    codeVersion,
    scenarioHash,
    seed,
    epochEvents,
    epochNs,
    scenarioJson,
    extra,
  });
}

const damagedHeader = (message: string): HeaderResult => ({
  ok: false,
  code: "damaged-header",
  message: `the trace's header is damaged: ${message}`,
});

type PrefixResult =
  | { readonly ok: true; readonly version: number; readonly minimum: number; link: Uint8Array }
  | (HeaderResult & { readonly ok: false });

function readPrefix(source: ByteSource, matches: LinkCheck): PrefixResult {
  const failed = (result: HeaderResult): PrefixResult => result as PrefixResult & { ok: false };
  if (source.length === 0) {
    return failed({ ok: false, code: "empty", message: "the file is empty" });
  }
  const start = source.read(0, Math.min(fileMagic.length, source.length))!;
  if (!start.every((byte, index) => byte === fileMagic[index])) {
    return failed({ ok: false, code: "not-a-trace", message: "the file is no Orrery trace" });
  }
  const prefix = source.read(0, prefixBytes);
  if (prefix === undefined) return failed(damagedHeader("the file ends within it"));
  const bodyBytes = prefixBytes - linkBytes;
  const link = prefix.slice(bodyBytes);
  if (!matches(noLink, prefix.subarray(0, bodyBytes), link)) {
    return failed(damagedHeader("its first bytes do not match their hash"));
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset);
  const version = view.getUint16(8, true);
  const minimum = view.getUint16(10, true);
  if (minimum > formatVersion) {
    const message =
      `the trace has format ${version}, which needs a reader of format ${minimum} or newer; ` +
      `this one reads up to format ${formatVersion}`;
    return failed({ ok: false, code: "newer-format", message });
  }
  return { ok: true, version, minimum, link };
}

/** The map as a header, or undefined when a member is missing or of another type. */
function asHeader(map: PlainMap): (TraceHeader & { scenarioHash: string }) | undefined {
  const { codeVersion, scenarioJson, scenarioHash, seed, epochEvents, epochNs, extra } = map;
  const typed =
    typeof codeVersion === "string" &&
    typeof scenarioJson === "string" &&
    typeof scenarioHash === "string" &&
    (typeof seed === "string" || typeof seed === "number") &&
    typeof epochEvents === "number" &&
    typeof epochNs === "number";
  if (!typed || extra === null || typeof extra !== "object") return undefined;
  if (Array.isArray(extra) || extra instanceof Uint8Array) return undefined;
  return {
    codeVersion,
    scenarioJson,
    scenarioHash,
    seed,
    epochEvents,
    epochNs,
    extra: extra as PlainMap,
  };
}

export function readHeader(source: ByteSource, matches: LinkCheck): HeaderResult {
  const prefix = readPrefix(source, matches);
  if (!prefix.ok) return prefix;
  const result = readFrame(source, prefixBytes, prefix.link, matches);
  if (!result.ok) return damagedHeader(result.message);
  const { frame } = result;
  if (frame.kind !== chunkKinds.header) return damagedHeader("another chunk is in its place");
  const bytes = inflate(frame.codecByte, frame.stored, frame.rawLength);
  if (bytes === undefined) return damagedHeader("it does not unpack");
  const map = decodePlainMap(bytes);
  if (!map.ok) return damagedHeader(map.message);
  const header = asHeader(map.value);
  if (header === undefined) return damagedHeader("a member is missing or of another type");
  if (sha256(header.scenarioJson) !== header.scenarioHash) {
    return damagedHeader("the scenario does not match its hash");
  }
  return {
    ok: true,
    header: {
      ...header,
      formatVersion: prefix.version,
      minimumReaderVersion: prefix.minimum,
    },
    firstOffset: prefixBytes + frame.length,
    link: frame.link,
  };
}
