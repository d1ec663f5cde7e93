/**
 * One piece of real work traced twice, by blktrace inside a Linux guest and by nbdkit outside it
 * (traces/samples/capture.sh crosscheck): two formats, two clocks, one truth. Between two flushes
 * the order of independent requests may differ (nbdkit serves them on several threads); what lies
 * between two flushes may not. The host's trace has three reads more at its start, the partition
 * scan before blktrace was started, and QEMU's own two flushes at its end.
 */
import { describe, expect, it } from "vitest";
import { requestsOf } from "./capture.ts";
import type { BlockCapture } from "./capture.ts";
import { readCaptureFile } from "./read-capture-file.ts";

const fixture = (name: string): string =>
  new URL(`./fixtures/crosscheck.${name}`, import.meta.url).pathname;

async function load(name: string): Promise<BlockCapture> {
  const result = await readCaptureFile(fixture(name));
  if (!result.ok) throw new Error(`${name}: ${result.message}`);
  return result.capture;
}

/** The requests between flushes, each run in canonical order. */
function runs(requests: readonly string[]): string[][] {
  const list: string[][] = [[]];
  for (const request of requests) {
    if (request.startsWith("flush")) list.push([]);
    else list.at(-1)!.push(request);
  }
  return list.map((run) => run.sort());
}

const texts = (capture: BlockCapture): string[] =>
  [...requestsOf(capture)].map((r) => `${r.op} ${r.sector}+${r.sectors}`);

describe("a guest traced from inside and from outside", () => {
  it("is one trace by blkparse and by nbdkit (canary: a changed request shows)", async () => {
    const inside = texts(await load("blkparse.txt"));
    const all = texts(await load("nbdkit.log"));
    expect(all.slice(0, 3)).toEqual(["read 0+8", "read 8+8", "read 24+8"]);
    expect(all.slice(-2)).toEqual(["flush 0+0", "flush 0+0"]);
    const outside = all.slice(3, -2);
    expect(inside.length).toBeGreaterThan(200);
    expect(runs(outside)).toEqual(runs(inside));
    const changed = inside.with(100, "write 0+1");
    expect(runs(outside)).not.toEqual(runs(changed));
  });

  it("covers the same written sectors whether queue or issue events are taken", async () => {
    const queued = await readCaptureFile(fixture("blkparse.txt"), { blkparseEvent: "Q" });
    const issued = await load("blkparse.txt");
    if (!queued.ok) throw new Error(queued.message);
    const written = (capture: BlockCapture): string[] => {
      const sectors = new Set<number>();
      for (const r of requestsOf(capture)) {
        for (let s = 0; r.op === "write" && s < r.sectors; s++) sectors.add(r.sector + s);
      }
      return [...sectors].sort((a, b) => a - b).map(String);
    };
    expect(written(queued.capture)).toEqual(written(issued));
  });
});
