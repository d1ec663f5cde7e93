/**
 * The laws of importing: nothing depends on chunk borders, what is written is read back, every
 * malformed line is accounted for, and no input makes the importer throw.
 */
import { createHash } from "node:crypto";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CAPTURED_OPS, CAPTURE_FORMATS, MAX_SECTORS, requestsOf } from "./capture.ts";
import type { BlockCapture, CapturedRequest } from "./capture.ts";
import { CaptureBuilder } from "./capture-builder.ts";
import { importCapture } from "./import-capture.ts";
import type { ImportOptions, ImportResult } from "./import-capture.ts";
import { formatProblem } from "./problems.ts";
import { formatVscsi } from "./write-vscsi.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const importText = (text: string, options?: ImportOptions): Promise<ImportResult> =>
  importCapture(utf8(text), options);

async function* cut(bytes: Uint8Array, borders: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const border of [...borders, bytes.length]) {
    yield bytes.subarray(from, border);
    from = border;
  }
}

const anyRequest: fc.Arbitrary<CapturedRequest> = fc
  .record({
    atUs: fc.nat(2 ** 40),
    op: fc.constantFrom(...CAPTURED_OPS),
    sector: fc.oneof(fc.nat(1000), fc.nat(MAX_SECTORS - 2 ** 32)),
    sectors: fc.oneof(fc.integer({ min: 1, max: 256 }), fc.constant(0xffff_ffff)),
  })
  .map((r) => (r.op === "flush" ? { ...r, sector: 0, sectors: 0 } : r));

function captureOf(requests: readonly CapturedRequest[]): BlockCapture {
  const builder = new CaptureBuilder({ line: 0 }, undefined);
  for (const r of requests) builder.add(r.atUs, r.op, r.sector, r.sectors, "");
  return builder.finish("vscsi", {}, "");
}

const HEADER = "serial,length,segments,type,lbn,timestampUs\n";
const MIXED =
  `\uFEFF${HEADER}1,512,1,read,7,100\r\n2,1024,1,write,9,90\r\n\r\nnonsense é\r\n` +
  "3,0,0,0x35,0,110\r\n4,512,1,write,1,120";

describe("importCapture", () => {
  it("reads back what formatVscsi wrote, ordered by time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRequest, { minLength: 1, maxLength: 40 }), async (requests) => {
        const capture = captureOf(requests);
        const again = await importText(formatVscsi(capture));
        expect(again.problems).toEqual([]);
        if (!again.ok) throw new Error(again.message);
        expect([...requestsOf(again.capture)]).toEqual([...requestsOf(capture)]);
        const stable = requests
          .map((r, i) => ({ r, i }))
          .sort((a, b) => a.r.atUs - b.r.atUs || a.i - b.i)
          .map(({ r }) => ({ ...r, atUs: r.atUs - Math.min(...requests.map((q) => q.atUs)) }));
        expect([...requestsOf(capture)]).toEqual(stable);
      }),
      { numRuns: 60 },
    );
  });

  it("gives the same result however the bytes are cut, plain or compressed", async () => {
    const plain = utf8(MIXED);
    for (const bytes of [plain, gzipSync(plain)]) {
      const whole = await importCapture(bytes, { lenient: true });
      expect(whole.ok).toBe(true);
      for (let border = 0; border <= bytes.length; border++) {
        expect(await importCapture(cut(bytes, [border]), { lenient: true })).toEqual(whole);
      }
      const borders = fc.array(fc.nat(bytes.length)).map((list) => list.sort((a, b) => a - b));
      await fc.assert(
        fc.asyncProperty(borders, async (list) => {
          expect(await importCapture(cut(bytes, list), { lenient: true })).toEqual(whole);
        }),
        { numRuns: 50 },
      );
      const single = Array.from({ length: bytes.length }, (_, i) => i);
      expect(await importCapture(cut(bytes, single), { lenient: true })).toEqual(whole);
    }
  });

  it("lists the first ten malformed lines by number, then a count", async () => {
    const lines = Array.from({ length: 40 }, (_, i) =>
      i % 3 === 0 ? `${i},512,1,read,${i},oops` : `${i},512,1,read,${i},${i}`,
    );
    const text = HEADER + lines.join("\n");
    const strict = await importText(text);
    expect(strict.ok).toBe(false);
    expect(!strict.ok && [strict.code, strict.message]).toEqual([
      "malformed-lines",
      "14 malformed lines",
    ]);
    const listed = strict.problems.flatMap((p) => (p.code === "malformed-line" ? [p.line] : []));
    expect(listed).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29]);
    expect(strict.problems.at(-1)).toEqual({ code: "more-malformed-lines", count: 4 });
    expect(formatProblem(strict.problems[0]!, "f.csv")).toBe(
      'f.csv:2: timestampUs is "oops", a whole number expected: "0,512,1,read,0,oops"',
    );
    const lenient = await importText(text, { lenient: true });
    expect(lenient.ok && lenient.capture.meta.requests).toBe(26);
    expect(lenient.problems).toEqual(strict.problems);
  });

  it("accounts for every line in one of three ways (canary: a lost line shows)", async () => {
    const line = fc.oneof(
      fc.constantFrom("", "# c", "1,512,1,read,1,1", "1,0,0,0x35,0,1", "1,512,1,0x12,0,1"),
      fc.constantFrom("1,100,1,read,1,1", "1,512,1,read,-1,1", "1,512,1,read,1,NaN", "1,512"),
      fc.string(),
    );
    const balance = async (lines: readonly string[], expected: number): Promise<boolean> => {
      const clean = lines.map((l) => l.replaceAll(/[\r\n]/g, "x"));
      const text = `${HEADER}${clean.map((l) => `${l}\n`).join("")}1,512,1,read,0,0\n`;
      const result = await importText(text, { lenient: true });
      if (!result.ok) return false;
      const skipped = Object.values(result.capture.meta.skipped).reduce((a, b) => a + b, 0);
      const malformed = result.problems.reduce(
        (sum, p) => sum + (p.code === "malformed-line" ? 1 : "count" in p ? p.count : 0),
        0,
      );
      const late = result.problems.find((p) => p.code === "out-of-order")?.count ?? 0;
      return result.capture.meta.requests + skipped + malformed - late === expected + 2;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(line), async (lines) => balance(lines, lines.length)),
    );
    expect(await balance(["1,512,1,read,1,1"], 2)).toBe(false);
  });

  it.each([
    ["1,512,1,read,9007199254740993,1", "lbn 9007199254740993 is beyond 2^53"],
    ["1,512,1,read,17592186044416,1", "sector 17592186044416 lies beyond 2^44"],
    ["1,512,1,read,1,NaN", 'timestampUs is "NaN", a whole number expected'],
    ["1,512,1,read,1,-5", 'timestampUs is "-5", a whole number expected'],
    ["1,512,1,read,1,1e3", 'timestampUs is "1e3", a whole number expected'],
    ["1,513,1,read,1,1", "length 513 is not a multiple of 512"],
    ["1,0,1,read,1,1", "a request of length 0"],
    ["1,512,1,frob,1,1", 'type "frob" is no read, write, flush or discard command'],
    [`1,512,1,read,1,${"9".repeat(5000)}`, "longer than 4096 characters"],
  ])("says what is wrong with %.40s", async (row, message) => {
    const result = await importText(`${HEADER}${row}\n1,512,1,read,1,1\n`);
    const [first] = result.problems;
    expect(first?.code === "malformed-line" && [first.line, first.message]).toEqual([2, message]);
  });

  it("never throws, whatever the bytes and the format", async () => {
    const format = fc.option(fc.constantFrom(...CAPTURE_FORMATS), { nil: undefined });
    const text = fc.array(fc.oneof(fc.string(), fc.constantFrom("\n", ",", "1", " D ", "fio ")));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      text.map((parts) => utf8(parts.join(""))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, format, async (source, named) => {
        const options = named === undefined ? {} : { format: named };
        expect(typeof (await importCapture(source, options)).ok).toBe("boolean");
      }),
    );
  });

  it("takes gzip and brotli, hashes the bytes as given, names what it cannot undo", async () => {
    const plain = utf8(`${HEADER}1,512,1,read,1,1\n`);
    const gzip = gzipSync(plain);
    const result = await importCapture(gzip);
    const hash = createHash("sha256").update(gzip).digest("hex");
    expect(result.ok && result.capture.meta.sha256).toBe(hash);
    const tail = Buffer.concat([gzip, Buffer.alloc(200_000, "tail")]);
    for (const borders of [[], [gzip.length], [gzip.length - 1], [3, gzip.length + 7, 100_000]]) {
      const tailed = await importCapture(cut(tail, borders));
      expect(!tailed.ok && tailed.code).toBe("damaged-compression");
    }
    const brotli = await importCapture(brotliCompressSync(plain), { compression: "brotli" });
    expect(brotli.ok).toBe(true);
    const zstd = await importCapture(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4));
    expect(!zstd.ok && zstd.message).toMatch(/^zstd compression is not supported; unpack it first/);
    for (let end = 3; end < gzip.length; end++) {
      const damaged = await importCapture(gzip.subarray(0, end));
      expect(!damaged.ok && damaged.code).toBe("damaged-compression");
    }
  });

  it("refuses what is no capture, has none, is too long or cannot be read", async () => {
    const code = async (p: Promise<ImportResult>): Promise<string> => {
      const result = await p;
      return result.ok ? "ok" : result.code;
    };
    expect(await code(importText("hello\n".repeat(50)))).toBe("unknown-format");
    expect(await code(importText(""))).toBe("empty");
    expect(await code(importText(HEADER))).toBe("empty");
    const three = `${HEADER}${"1,512,1,read,1,1\n".repeat(3)}`;
    expect(await code(importText(three, { maxRequests: 2 }))).toBe("too-many-requests");
    expect(await code(importText(three, { maxRequests: 3 }))).toBe("ok");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield utf8(three);
      throw new Error("disk on fire");
    }
    expect(await code(importCapture(broken()))).toBe("unreadable");
  });
});
