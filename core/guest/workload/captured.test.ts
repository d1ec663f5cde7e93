/** Pacing of a captured guest, alone, over a device that takes a fixed time. */
import { describe, expect, it } from "vitest";
import { type ContentRun, type Editable, SectorContent } from "../../kernel/index.ts";
import type { GuestInput, GuestJournal, GuestSpec, GuestState } from "../guest.ts";
import type { GuestKind } from "../guest-kind.ts";
import { initialJournal, initialState, step } from "../machine.ts";
import { captureProblem, prepareCapture, type CaptureColumns } from "./capture-input.ts";
import { capturedGuest, type CapturedConfig } from "./captured.ts";

const [READ, WRITE, FLUSH] = [0, 1, 2];

/** Rows of (time, op, sector, sectors, response). */
function columns(rows: readonly (readonly number[])[], responses = true): CaptureColumns {
  const column = (index: number) => rows.map((row) => row[index]!);
  return {
    sha256: "x",
    atUs: Float64Array.from(column(0)),
    op: Uint8Array.from(column(1)),
    sector: Float64Array.from(column(2)),
    sectors: Uint32Array.from(column(3)),
    responseUs: responses ? Float64Array.from(column(4)) : null,
  };
}

const ROWS = [
  [0, WRITE, 0, 8, 100],
  [10, WRITE, 8, 8, 200],
  [150, READ, 0, 8, 50],
  [400, FLUSH, 0, 0, 100],
  [450, READ, 8, 8, 10],
] as const;

/** Requests as sent: microsecond and operation. Times count from the end of booting. */
function play(capture: CaptureColumns, config: Partial<CapturedConfig>, serviceUs: number) {
  const own: CapturedConfig = {
    bootNs: 0,
    capture: "x",
    disk: 0,
    pacing: "closed",
    timeScale: 1,
    flushEvery: 0,
    wrap: false,
    ...config,
  };
  const disks = [{ id: "data", sectors: 64, number: 1, losesUnflushed: true }];
  const spec: GuestSpec = {
    vm: "v",
    kind: "capture",
    config: own,
    disks,
    vcpus: 1,
    memoryPages: 1,
  };
  const kind = capturedGuest as unknown as GuestKind;
  const prepared = prepareCapture(capture);
  const state = initialState(kind, spec) as Editable<GuestState>;
  const journal = initialJournal(kind, spec) as Editable<GuestJournal>;
  const settled = new SectorContent(64);
  const device = new SectorContent(64);
  const sent: [number, string, number][] = [];
  const queue: { at: number; input: GuestInput }[] = [];
  const inputs = { capture: () => prepared };
  const start: GuestInput = { kind: "start", run: 1, crashed: false };
  queue.push({ at: 0, input: start });
  while (queue.length > 0) {
    queue.sort((a, b) => a.at - b.at);
    const { at, input } = queue.shift()!;
    const home = { spec, inputs, state, journal, settled: () => settled, draw: () => 0, nowNs: at };
    for (const output of step(kind, home, input)) {
      if (output.kind === "timer") {
        const { tag, delayNs } = output;
        queue.push({ at: at + delayNs, input: { kind: "timer", tag } });
      } else if (output.kind === "block") {
        const { request, id } = output;
        sent.push([at / 1_000, request.op, request.op === "flush" ? -1 : request.sector]);
        let runs: ContentRun[] = [];
        if (request.op === "write") device.write(request.sector, request.runs);
        if (request.op === "read") runs = device.read(request.sector, request.sectors);
        const done: GuestInput = { kind: "block-done", id, ok: true, runs };
        queue.push({ at: at + serviceUs * 1_000, input: done });
      } else if (output.kind === "finding") throw new Error(output.message);
    }
  }
  expect(journal.own["acknowledged"]).toBe(capture.atUs.length);
  return sent;
}

describe("a captured guest", () => {
  it("knows how deep the queue was and what a request waited for", () => {
    const { depth, thinkUs, flushes } = prepareCapture(columns(ROWS));
    expect([...depth]).toEqual([0, 1, 1, 0, 1]);
    expect([...thinkUs]).toEqual([0, 10, 50, 190, 50]);
    expect(flushes).toBe(1);
  });

  it("closed: waits for the recorded number of answers, then for the think time", () => {
    const times = play(columns(ROWS), {}, 1_000).map(([at]) => at);
    expect(times).toEqual([0, 10, 1_050, 2_240, 2_290]);
    const half = play(columns(ROWS), { timeScale: 0.5 }, 1_000).map(([at]) => at);
    expect(half).toEqual([0, 5, 1_025, 2_120, 2_145]);
  });

  it("closed, without recorded answers: one after the other, not before the recorded gap", () => {
    expect(play(columns(ROWS, false), {}, 30).map(([at]) => at)).toEqual([0, 30, 170, 420, 470]);
  });

  it("open: at the recorded times, whatever the device does", () => {
    const times = play(columns(ROWS), { pacing: "open" }, 1_000).map(([at]) => at);
    expect(times).toEqual([0, 10, 150, 400, 450]);
  });

  it("flushes by itself only where no flush was recorded, and wraps only when told", () => {
    const dry = columns(ROWS.filter((row) => row[1] !== FLUSH));
    const ops = play(dry, { flushEvery: 2 }, 10).map(([, op]) => op);
    expect(ops).toEqual(["write", "write", "flush", "read", "read"]);
    expect(play(columns(ROWS), { flushEvery: 1 }, 10)).toHaveLength(ROWS.length);
    const far = columns([[0, WRITE, 64 * 5 + 60, 8, 1]]);
    expect(play(far, { wrap: true }, 10)).toEqual([[0, "write", 56]]);
  });

  it("names what keeps a capture from being played", () => {
    const options = { wrap: false };
    expect(captureProblem(columns(ROWS), 64, options)).toBeUndefined();
    expect(captureProblem(columns(ROWS), 15, options)).toEqual({
      code: "beyond-disk",
      request: 1,
      sector: 15,
    });
    expect(captureProblem(columns(ROWS), 15, { wrap: true })).toBeUndefined();
    expect(captureProblem(columns(ROWS), 7, { wrap: true })?.code).toBe("larger-than-disk");
    const dry = columns(ROWS.slice(0, 3));
    expect(captureProblem(dry, 64, options)).toEqual({ code: "no-flushes" });
    expect(captureProblem(dry, 64, { wrap: false, flushEvery: 0 })).toBeUndefined();
  });
});
