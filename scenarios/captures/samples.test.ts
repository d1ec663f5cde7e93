/** The committed captures are whole, clean, and what their provenance note says. */
import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CAPTURED_OPS } from "./capture.ts";
import type { BlockCapture } from "./capture.ts";
import { readCaptureFile } from "./read-capture-file.ts";

const samples = new URL("../../traces/samples/", import.meta.url).pathname;
const provenance = readFileSync(`${samples}PROVENANCE.md`, "utf8");

async function load(name: string): Promise<BlockCapture> {
  const result = await readCaptureFile(samples + name);
  expect(result.problems).toEqual([]);
  if (!result.ok) throw new Error(`${name}: ${result.message}`);
  return result.capture;
}

/** The cells of the note's table row that begins with the file's name. */
function noted(name: string, note: string): readonly string[] {
  const row = note.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
  if (row === undefined) throw new Error(`PROVENANCE.md has no row for ${name}`);
  return row
    .split("|")
    .slice(2, -1)
    .map((cell) => cell.trim().replaceAll(/[`,]/g, ""));
}

function rowOf(capture: BlockCapture): readonly string[] {
  const { requests, reads, writes, flushes, spanUs, sectorsTouchedMax, sha256 } = capture.meta;
  const figures = [requests, reads, writes, flushes, spanUs, sectorsTouchedMax];
  return [...figures.map(String), sha256];
}

describe("captured samples", () => {
  it.each(["debian-unpack-and-inserts.vscsi.csv.gz", "inserts.vscsi.csv"])(
    "%s has the checksum and the figures of PROVENANCE.md (canary: a changed digit shows)",
    async (name) => {
      const row = rowOf(await load(name));
      expect(row).toEqual(noted(name, provenance));
      const forged = provenance.replace(row.at(-1)!, row.at(-1)!.replace(/.$/, "g"));
      expect(row).not.toEqual(noted(name, forged));
    },
  );

  it("hold reads, writes and many flushes in a small file", async () => {
    const large = await load("debian-unpack-and-inserts.vscsi.csv.gz");
    expect(large.meta.requests).toBeGreaterThan(10_000);
    expect(large.meta.reads).toBeGreaterThan(1_000);
    expect(large.meta.flushes).toBeGreaterThan(500);
    expect(large.meta.sectorsTouchedMax).toBeLessThanOrEqual((1024 << 20) / 512);
    const small = await load("inserts.vscsi.csv");
    expect(small.meta.flushes).toBeGreaterThan(100);
    expect(small.meta.sectorsTouchedMax).toBeLessThanOrEqual((64 << 20) / 512);
    for (const name of ["debian-unpack-and-inserts.vscsi.csv.gz", "inserts.vscsi.csv"]) {
      expect(statSync(samples + name).size).toBeLessThan(1 << 20);
    }
    expect(CAPTURED_OPS[large.op.at(-1)!]).toBe("flush");
  });
});

describe("readCaptureFile", () => {
  it("answers a missing file as a result", async () => {
    const result = await readCaptureFile(`${samples}no-such-file.csv`);
    expect(!result.ok && result.code).toBe("unreadable");
    expect(!result.ok && result.message).toMatch(/ENOENT/);
  });
});
