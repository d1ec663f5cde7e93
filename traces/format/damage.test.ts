// What a reader makes of damaged and hostile files: every cut and every changed bit of a small
// trace, and files that are well hashed but lie.
import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { chainLink, FrameSink, noLink } from "./frame-sink.mjs";
import { linkMatches, type LinkCheck } from "./frame.ts";
import { encodeHeader } from "./header.ts";
import { prefixBytes } from "./layout.mjs";
import { encodePlain } from "./plain.ts";
import { openSource, openTrace, type OpenOptions, type Trace } from "./reader.ts";
import { memorySource } from "./source.ts";
import { sampleHeader, sampleTrace } from "./testing/sample.ts";
import { writeTraceInMemory } from "./writer.ts";

const whole = sampleTrace();

/** Everything a user of a trace sees of its chunks; undefined for a chunk that is refused. */
function content(trace: Trace): readonly (string | undefined)[] {
  return trace.chunks().map((chunk) => {
    const result = trace.read(chunk);
    if (!result.ok) return undefined;
    return JSON.stringify([chunk.kind, chunk.meta, [...result.bytes]]);
  });
}

function open(bytes: Uint8Array, options: OpenOptions, matches?: LinkCheck) {
  return openSource(memorySource(bytes), options, matches);
}

const original = openTrace(whole);
if (!original.ok) throw new Error(original.message);
const originalContent = content(original.trace);

/** What is wrong with how a changed file was read, or undefined. */
function misread(bytes: Uint8Array, options: OpenOptions, matches: LinkCheck): string | undefined {
  const result = open(bytes, options, matches);
  if (!result.ok) return result.message === "" ? "no message" : undefined;
  const seen = content(result.trace);
  const refused = seen.includes(undefined);
  if (result.status === "whole" && !refused) {
    if (options.verify === "full" || result.trace.verifyAll().ok) return "taken for whole";
  }
  if (options.verify === "full" && refused) return "lists a chunk that it refuses";
  const wrong = seen.some(
    (chunk, index) => chunk !== undefined && chunk !== originalContent[index],
  );
  if (wrong) return "other content";
  const header = JSON.stringify(result.trace.header);
  return header === JSON.stringify(original.ok && original.trace.header) ? undefined : "header";
}

/** Misreadings among all files that differ from the whole one in one bit. */
function misreadFlips(options: OpenOptions, matches: LinkCheck, step = 1): readonly string[] {
  const found: string[] = [];
  const bytes = whole.slice();
  for (let bit = 0; bit < bytes.length * 8; bit += step) {
    const mask = 1 << (bit % 8);
    bytes[bit >> 3]! ^= mask;
    const problem = misread(bytes, options, matches);
    if (problem !== undefined) found.push(`bit ${bit}: ${problem}`);
    bytes[bit >> 3]! ^= mask;
  }
  return found;
}

describe("a trace", () => {
  it("is whole when nothing was changed, by either way of opening", () => {
    expect(whole.length).toBeLessThan(4096);
    for (const verify of ["full", "index"] as const) {
      const result = open(whole, { verify });
      expect(result).toMatchObject({ ok: true, status: "whole" });
      if (!result.ok) continue;
      expect(content(result.trace)).toEqual(originalContent);
      expect(result.trace.end).toEqual({ outcome: "complete" });
      expect(result.trace.verifyAll()).toMatchObject({ ok: true, bytes: whole.length });
    }
  });

  it("cut at any length is salvaged up to its last whole chunk, or refused by name", () => {
    const ends = original.ok ? original.trace.chunks().map((c) => c.offset + c.length) : [];
    const codes = new Set<string>();
    for (let length = 0; length < whole.length; length++) {
      for (const verify of ["full", "index"] as const) {
        const result = open(whole.subarray(0, length), { verify });
        if (!result.ok) {
          codes.add(result.code);
          continue;
        }
        if (result.status === "whole") throw new Error(`cut at ${length}: taken for whole`);
        codes.add(result.damage.code);
        const expected = ends.filter((end) => end <= length).length;
        expect(content(result.trace)).toEqual(originalContent.slice(0, expected));
        if (length === ends.at(-1)) expect(result.damage.code).toBe("unfinished");
      }
    }
    const expected = ["empty", "damaged-header", "cut", "unfinished", "damaged-footer"];
    expect([...codes].sort()).toEqual(expected.sort());
  });

  it("with any one bit changed is never taken for whole or read as other content", () => {
    expect(misreadFlips({ verify: "full" }, linkMatches)).toEqual([]);
  });

  it("opened by its index refuses each changed chunk when it is read", () => {
    expect(misreadFlips({ verify: "index" }, linkMatches, 3)).toEqual([]);
  });

  it("canary: a reader that skips the hash check is caught", () => {
    expect(misreadFlips({ verify: "full" }, () => true, 5).length).toBeGreaterThan(100);
  });

  it("with bytes after its end, or two traces in one file, is not whole", () => {
    for (const more of [Uint8Array.of(0), whole]) {
      const result = openTrace(new Uint8Array(Buffer.concat([whole, more])));
      expect(result).toMatchObject({ status: "salvaged", damage: { code: "bytes-after-the-end" } });
    }
  });

  it("whose chunks changed places is salvaged up to the first of them", () => {
    if (!original.ok) return;
    const [, second, third] = original.trace.chunks();
    const moved = whole.slice();
    moved.set(whole.subarray(third!.offset, third!.offset + third!.length), second!.offset);
    moved.set(
      whole.subarray(second!.offset, second!.offset + second!.length),
      second!.offset + third!.length,
    );
    expect(openTrace(moved)).toMatchObject({
      status: "salvaged",
      damage: { code: "damaged-chunk", offset: second!.offset },
    });
  });
});

/** What a trace says, whatever it is compressed with. */
function meaning(trace: Trace): readonly unknown[] {
  return trace.chunks().map((chunk) => {
    const { kind, meta } = chunk;
    return kind === "draws"
      ? { kind, meta, columns: trace.readColumns(chunk) }
      : { kind, meta, read: trace.read(chunk) };
  });
}

describe("a kept trace", () => {
  // One per format version, never rewritten: what a version stored, every later one reads.
  it.each([1])("of format %i opens whole, with the content it had", (version) => {
    const kept = readFileSync(new URL(`./testing/format-${version}.orrery`, import.meta.url));
    const result = openTrace(kept);
    expect(result).toMatchObject({ ok: true, status: "whole" });
    if (!result.ok) return;
    const own = openTrace(whole);
    if (!own.ok) throw new Error(own.message);
    expect(meaning(result.trace)).toEqual(meaning(own.trace));
    expect(result.trace.header).toEqual({
      ...own.trace.header,
      formatVersion: version,
      minimumReaderVersion: expect.any(Number),
    });
  });
});

/** The prefix of a trace that claims other versions, well hashed. */
function withVersions(version: number, minimum: number): Uint8Array {
  const bytes = whole.slice();
  const view = new DataView(bytes.buffer);
  view.setUint16(8, version, true);
  view.setUint16(10, minimum, true);
  bytes.set(chainLink(noLink, bytes.subarray(0, 12)), 12);
  return bytes;
}

describe("a file", () => {
  it("of a newer format is refused as newer, not as damaged", () => {
    const result = openTrace(withVersions(9, 8));
    expect(result).toMatchObject({ ok: false, code: "newer-format" });
    expect(result.ok || result.message).toContain("needs a reader of format 8");
  });

  it("that is no trace, or cannot be read, is refused by name", () => {
    expect(openTrace(new TextEncoder().encode("{}"))).toMatchObject({ code: "not-a-trace" });
    expect(openTrace("/nonexistent/x.orrery")).toMatchObject({ code: "unreadable" });
    expect(openTrace("/")).toMatchObject({ code: "unreadable" });
  });

  it("that announces huge lengths is refused without allocating them", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const field of [4, 8, 12]) {
      const bytes = whole.slice();
      new DataView(bytes.buffer).setUint32(prefixBytes + field, 0xffff_fff0, true);
      expect(openTrace(bytes)).toMatchObject({ ok: false, code: "damaged-header" });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});

/** A well-chained file with one chunk whose stored bytes and announced length are as given. */
function lying(stored: Uint8Array, rawLength: number, meta = encodePlain({})): Uint8Array {
  const frames: Uint8Array[] = [];
  const sink = new FrameSink((pieces) => void frames.push(...pieces));
  sink.begin(encodeHeader(sampleHeader));
  sink.appendStored("snapshot", meta, stored, 1, rawLength);
  sink.finish();
  return new Uint8Array(Buffer.concat(frames));
}

describe("a well-hashed chunk that lies", () => {
  const bomb = brotliCompressSync(new Uint8Array(32 * 1024 * 1024));

  it.each([
    ["holds more than it announces", bomb, 1000],
    ["holds less than it announces", bomb, 33 * 1024 * 1024],
    ["announces nothing", bomb, 0],
    ["is no compressed data", Uint8Array.of(1, 2, 3), 1000],
  ])("%s: is refused when read", (_, stored, rawLength) => {
    const result = openTrace(lying(stored, rawLength));
    if (!result.ok) throw new Error(result.message);
    const read = result.trace.read(result.trace.chunks()[0]!);
    expect(read).toMatchObject({ ok: false, damage: { code: "damaged-chunk" } });
  });

  it("carries keys of the prototype in its meta or payload: is refused", () => {
    const evil = Uint8Array.of(0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 0x80);
    expect(openTrace(lying(bomb, 1000, evil))).toMatchObject({ status: "salvaged" });
    const bytes = writeTraceInMemory(sampleHeader, (writer) => writer.append("epoch", {}, evil));
    const result = openTrace(bytes);
    if (!result.ok) throw new Error(result.message);
    expect(result.trace.readPlain(result.trace.chunks()[0]!).ok).toBe(false);
  });
});
