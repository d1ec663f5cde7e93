// Files: the same bytes whoever writes them, and what is left when the writer is killed or the
// disk is full.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { createTraceFile, type FileWriterOptions } from "./file-writer.ts";
import { openTrace, type Trace } from "./reader.ts";
import { rewriteTrace } from "./rewrite.ts";
import { appendSamples, sampleHeader, sampleTrace } from "./testing/sample.ts";
import { TraceWriteError, writeTraceInMemory, type TraceWriter } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "orrery-format-"));
afterAll(() => rmSync(folder, { recursive: true }));

const child = fileURLToPath(new URL("./testing/endless-writer.ts", import.meta.url));

function opened(path: string | Uint8Array): Trace {
  const result = openTrace(path);
  if (!result.ok) throw new Error(result.message);
  return result.trace;
}

/** More than the thread takes at once, so that the producer must wait for it. */
function appendMany(writer: TraceWriter): void {
  appendSamples(writer);
  for (let epoch = 0; epoch < 60; epoch++) {
    const values = Float64Array.from({ length: 2000 }, (_, i) => (i * 48_271 + epoch) % 65_521);
    const streams = Uint32Array.from({ length: 2000 }, (_, index) => index % 9);
    writer.appendColumns("draws", { epoch }, { draws: { type: "streams", streams, values } });
    writer.append("snapshot", { epoch }, new Uint8Array(5000).fill(epoch));
    // Node cuts small buffers from a shared pool, which must not be moved.
    writer.append("notices", { epoch }, Buffer.from(`epoch ${epoch}`));
    const lent = writer.lend();
    lent.fill(epoch, 0, 9000);
    writer.appendLent("packed-pages", { epoch }, lent, 9000);
    // A view of a larger buffer stays the caller's.
    writer.append(
      "vm-output",
      { epoch },
      new Uint8Array(5000).fill(epoch).subarray(7, 900),
      "small",
    );
  }
}

/** Waits without yielding to the event loop, as a simulation does. */
function spin(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A writer that slows down after ten columns until a payload was moved to the thread. */
function observed(writer: TraceWriter, waitMs: number) {
  let columns = 0;
  let moved = 0;
  const record: TraceWriter = {
    bytesWritten: 0,
    append: (kind, meta, payload, codec) => {
      const { length } = payload;
      writer.append(kind, meta, payload, codec);
      if (payload.length < length) moved++;
    },
    appendPlain: (...chunk) => writer.appendPlain(...chunk),
    appendColumns: (...chunk) => {
      if (++columns >= 10 && moved === 0) spin(waitMs);
      writer.appendColumns(...chunk);
    },
    lend: () => writer.lend(),
    appendLent: (...chunk) => writer.appendLent(...chunk),
    close: (...end) => writer.close(...end),
    closeSync: (...end) => writer.closeSync(...end),
  };
  return { record, movedCount: () => moved };
}

describe("a trace file", () => {
  const expected = writeTraceInMemory(sampleHeader, appendMany);
  const ways: readonly (readonly [string, FileWriterOptions, number])[] = [
    ["on the spot", { threadAfterBytes: Infinity }, 0],
    ["by a thread, with little in flight", { threadAfterBytes: 0, inFlightBytes: 30_000 }, 40],
    ["first here, then by a thread", { threadAfterBytes: 100_000 }, 40],
  ];

  it.each(ways)("written %s has the bytes of one written in memory", async (_, options, wait) => {
    for (const way of ["close", "closeSync"] as const) {
      const path = join(folder, `${way}.orrery`);
      const writer = createTraceFile(path, sampleHeader, options);
      const { record, movedCount } = observed(writer, wait);
      appendMany(record);
      await writer[way]("complete");
      expect(readFileSync(path).equals(expected)).toBe(true);
      expect(writer.bytesWritten).toBe(expected.length);
      // A moved buffer shows that the thread was at work.
      expect(movedCount() > 0).toBe(wait > 0);
    }
  });

  it("is read from disk as from memory, by index and in full", () => {
    const path = join(folder, "closeSync.orrery");
    for (const verify of ["index", "full"] as const) {
      const result = openTrace(path, { verify });
      expect(result).toMatchObject({ ok: true, status: "whole" });
      if (!result.ok) continue;
      const { trace } = result;
      expect(trace.chunks("snapshot").length).toBe(61);
      expect(trace.read(trace.chunks("snapshot").at(-1)!)).toEqual({
        ok: true,
        bytes: new Uint8Array(5000).fill(59),
      });
      const columns = trace.readColumns(trace.chunks("draws")[0]!);
      expect(columns.ok && columns.columns.get("draws")).toMatchObject({ type: "streams" });
      trace.close();
    }
  });

  it("refuses chunks after its end", () => {
    const writer = createTraceFile(join(folder, "closed.orrery"), sampleHeader);
    writer.closeSync("interrupted");
    expect(() => writer.append("draws", {}, new Uint8Array(1))).toThrow(/closed/);
    expect(opened(join(folder, "closed.orrery")).end).toEqual({ outcome: "interrupted" });
  });

  it("whose writer is killed opens and is salvaged to its last whole chunk", async () => {
    const path = join(folder, "killed.orrery");
    const run = spawn(execPath, ["--import", "tsx", child, path], { stdio: "inherit" });
    const ended = new Promise((resolve) => run.once("exit", (_, signal) => resolve(signal)));
    const deadline = Date.now() + 20_000;
    // Beyond the first 100 kB the thread writes.
    while (!existsSync(path) || statSync(path).size < 1_000_000) {
      if (Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    run.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    const result = openTrace(path);
    if (!result.ok || result.status !== "salvaged") throw new Error("not salvaged");
    expect(["unfinished", "cut"]).toContain(result.damage.code);
    const chunks = result.trace.chunks();
    expect(chunks.length).toBeGreaterThan(50);
    expect(chunks.map(({ meta }) => meta["epoch"])).toEqual(chunks.map((_, index) => index));
    expect(result.trace.readColumns(chunks.at(-1)!).ok).toBe(true);
    expect(result.trace.end).toBeUndefined();
  });

  it.skipIf(!existsSync("/dev/full"))("on a full disk fails by name (needs /dev/full)", () => {
    expect(() => createTraceFile("/dev/full", sampleHeader)).toThrow(TraceWriteError);
  });

  it.skipIf(!existsSync("/bin/sh"))("fails by name when the thread cannot write", () => {
    const path = join(folder, "limited.orrery");
    const command = 'ulimit -f 600; trap "" XFSZ; exec "$0" --import tsx "$1" "$2" 5000';
    const run = spawnSync("/bin/sh", ["-c", command, execPath, child, path], { encoding: "utf8" });
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain("TraceWriteError: the trace cannot be written: EFBIG");
    expect(openTrace(path)).toMatchObject({ ok: true, status: "salvaged" });
  });
});

describe("rewriting", () => {
  it("keeps all bytes when it keeps all chunks, and is whole without some of them", () => {
    const whole = sampleTrace();
    expect(rewriteTrace(whole, () => true)).toEqual(whole);
    const less = rewriteTrace(whole, ({ kind }) => kind !== "draws");
    const result = openTrace(less);
    expect(result).toMatchObject({ ok: true, status: "whole" });
    if (!result.ok) return;
    expect(result.trace.chunks("draws")).toEqual([]);
    const [boundary] = result.trace.chunks("boundary");
    expect(result.trace.read(boundary!)).toEqual({ ok: true, bytes: Uint8Array.of(1, 2, 3) });
  });

  it("leaves an unfinished trace unfinished", () => {
    const whole = sampleTrace();
    const cut = whole.subarray(0, whole.length - 10);
    const result = openTrace(rewriteTrace(cut, () => true));
    expect(result).toMatchObject({ status: "salvaged", damage: { code: "unfinished" } });
  });
});
