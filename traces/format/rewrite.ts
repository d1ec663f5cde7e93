// A trace with some of its chunks left out, under a chain of its own. Payloads are not unpacked.
import assert from "node:assert";
import { FrameSink } from "./frame-sink.mjs";
import { linkMatches, readFrame } from "./frame.ts";
import { inflate } from "./inflate.ts";
import { prefixBytes } from "./layout.mjs";
import { openTrace } from "./reader.ts";
import { memorySource } from "./source.ts";
import type { ChunkRef } from "./trace-index.ts";

/**
 * `bytes` must open (asserted). An unfinished trace stays unfinished, so that what was salvaged
 * never passes for whole.
 */
export function rewriteTrace(bytes: Uint8Array, keep: (chunk: ChunkRef) => boolean): Uint8Array {
  const opened = openTrace(bytes);
  assert(opened.ok, opened.ok ? "" : opened.message);
  const source = memorySource(bytes);
  const frames: Uint8Array[] = [];
  const sink = new FrameSink((pieces) => void frames.push(...pieces));
  const prefix = source.read(0, prefixBytes)!;
  const head = readFrame(source, prefixBytes, prefix.subarray(12), linkMatches);
  assert(head.ok, "the header was read a moment ago");
  const header = inflate(head.frame.codecByte, head.frame.stored, head.frame.rawLength);
  assert(header !== undefined, "the header was unpacked a moment ago");
  sink.begin(header);
  for (const chunk of opened.trace.chunks()) {
    if (!keep(chunk)) continue;
    const before = bytes.subarray(chunk.offset - chunk.link.length, chunk.offset);
    const result = readFrame(source, chunk.offset, before, linkMatches);
    assert(result.ok, "every listed chunk was verified");
    const { kind, meta, stored, codecByte, rawLength } = result.frame;
    sink.appendStored(kind, meta, stored, codecByte, rawLength);
  }
  if (opened.status === "whole") sink.finish();
  return new Uint8Array(Buffer.concat(frames));
}
