import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Plain, PlainMap } from "./plain.ts";
import { openTrace } from "./reader.ts";
import { rewriteTrace } from "./rewrite.ts";
import { sampleHeader } from "./testing/sample.ts";
import { writeTraceInMemory } from "./writer.ts";

interface Chunk {
  readonly kind: string;
  readonly meta: PlainMap;
  readonly payload: Uint8Array;
  readonly codec: "fast" | "small" | "raw";
}

const key = fc.constantFrom("vm", "epoch", "fromEvent", "timeNs");
const value: fc.Arbitrary<Plain> = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean());
const chunk: fc.Arbitrary<Chunk> = fc.record({
  kind: fc.constantFrom("draws", "epoch", "snapshot", "of-a-later-version-1"),
  meta: fc.dictionary(key, value, { noNullPrototype: true }),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(2000).map((length) => new Uint8Array(length).fill(length)),
  ),
  codec: fc.constantFrom("fast", "small", "raw"),
});

function written(chunks: readonly Chunk[]): Uint8Array {
  return writeTraceInMemory(sampleHeader, (writer) => {
    for (const { kind, meta, payload, codec } of chunks) writer.append(kind, meta, payload, codec);
  });
}

/** Kinds, metas and payloads as read, without the end; throws when a chunk is refused. */
function readBack(bytes: Uint8Array, verify: "full" | "index") {
  const result = openTrace(bytes, { verify });
  if (!result.ok || result.status !== "whole") throw new Error("not whole");
  return result.trace.chunks().flatMap((ref) => {
    const read = result.trace.read(ref);
    if (!read.ok) throw new Error(read.damage.message);
    return ref.kind === "end" ? [] : [{ kind: ref.kind, meta: ref.meta, payload: read.bytes }];
  });
}

describe("a trace", () => {
  it("gives back every chunk, by either way of opening, in the order written", () => {
    fc.assert(
      fc.property(fc.array(chunk), (chunks) => {
        const expected = chunks.map(({ kind, meta, payload }) => ({ kind, meta, payload }));
        const bytes = written(chunks);
        expect(readBack(bytes, "full")).toEqual(expected);
        expect(readBack(bytes, "index")).toEqual(expected);
      }),
    );
  });

  it("without some chunks is the trace in which they were never written", () => {
    fc.assert(
      fc.property(fc.array(chunk), (chunks) => {
        const kept = chunks.filter(({ kind }) => kind !== "draws");
        const less = rewriteTrace(written(chunks), ({ kind }) => kind !== "draws");
        expect(less).toEqual(written(kept));
      }),
    );
  });

  it("with any stretch overwritten, dropped or doubled is not whole", () => {
    const stretch = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 40 }));
    const change = fc.constantFrom("overwrite", "drop", "double");
    fc.assert(
      fc.property(fc.array(chunk), stretch, change, ([...chunks], [place, length], how) => {
        const bytes = written(chunks);
        const start = place % bytes.length;
        const part = bytes.subarray(start, start + length);
        const middle = {
          overwrite: [part.map((byte) => byte ^ 0x55)],
          drop: [],
          double: [part, part],
        };
        const changed = Buffer.concat([
          bytes.subarray(0, start),
          ...middle[how],
          bytes.subarray(start + length),
        ]);
        const result = openTrace(changed);
        expect(result.ok && result.status).not.toBe("whole");
        const quick = openTrace(changed, { verify: "index" });
        expect(quick.ok && quick.trace.verifyAll().ok).toBe(false);
      }),
    );
  });
});
