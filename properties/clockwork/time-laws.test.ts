/**
 * Laws of simulated time on whole scenarios: everything a second later is the same a second later,
 * and everything k times as slow takes k times as long.
 */
import { describe, expect, it } from "vitest";
import { type Notice } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

const SECOND_MS = 1_000;
const TOLD = new Set(["operation", "phase", "operation-end", "lifecycle", "crash", "restart"]);

function play(document: ScenarioDocument, kinds: ReadonlySet<string> = TOLD): Notice[] {
  const world = builderOf(document).build({ seed: 1 });
  const told: Notice[] = [];
  world.hooks.onNotice = (notice) => void (kinds.has(notice.kind) && told.push({ ...notice }));
  world.run({ untilNs: document.durationMs * 1e6 });
  world.finish();
  expect(world.checker.violations).toEqual([]);
  return told;
}

/** A run in which nothing happens before its timeline begins, with a crash and a restart in it. */
function laterBy(ms: number, slipMs = 0): ScenarioDocument {
  const base = smallDatacenter();
  return smallDatacenter({
    durationMs: 4_000 + ms,
    vms: base.vms!.map((vm) => ({ ...vm, poweredOn: false })),
    timeline: [
      { id: "on", atMs: 100 + ms, do: "power-on", vm: "db" },
      { id: "first", after: "on.complete", delayMs: 150, do: "snapshot", vm: "db" },
      { id: "second", atMs: 600 + ms + slipMs, do: "snapshot", vm: "db" },
    ],
    faults: [{ atMs: 900 + ms, kind: "crash", domain: "alpha" }],
  });
}

describe("a second later", () => {
  const lines = (told: readonly Notice[], shiftNs: number): string[] =>
    told.map(({ kind, entity, timeNs, data }) =>
      JSON.stringify([kind, entity, timeNs - shiftNs, data]),
    );

  it("every start, phase and end is a second later, and nothing else is different", () => {
    const now = lines(play(laterBy(0)), 0);
    expect(now.length).toBeGreaterThan(60);
    expect(now.join()).toContain("db.restart-1");
    expect(lines(play(laterBy(SECOND_MS)), 1e9)).toEqual(now);
  });

  it("one entry that slips by a millisecond is noticed (canary)", () => {
    const now = lines(play(laterBy(0)), 0);
    expect(lines(play(laterBy(SECOND_MS, 1)), 1e9)).not.toEqual(now);
  });
});

/** All latencies times k, all rates divided by k. */
function slowerBy(k: number, timeline: ScenarioDocument["timeline"] = []): ScenarioDocument {
  const block = { pacing: "closed", outstanding: 2, readPercent: 30, flushEvery: 4 } as const;
  return smallDatacenter({
    durationMs: 900 * k,
    hosts: [{ id: "alpha", cores: 2, memoryMiB: 4_096, scheduler: { quantumUs: 1_000 * k } }],
    arrays: [
      {
        id: "array",
        readLatencyUs: 100 * k,
        writeLatencyUs: 80 * k,
        flushUs: 300 * k,
        seekUs: 40 * k,
        transferMBps: 1_000 / k,
      },
    ],
    links: [
      { between: ["alpha", "array"], latencyUs: 50 * k, jitterUs: 0, bandwidthMbps: 10_000 / k },
    ],
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 512,
        guest: {
          kind: "workload",
          bootMs: 20 * k,
          phases: [
            {
              name: "work",
              durationMs: 800 * k,
              block: [{ ...block, disk: "data", regionMiB: 1, thinkTimeUs: 900 * k }],
            },
          ],
        },
        disks: [{ id: "data", on: "array", sizeMiB: 64 }],
      },
    ],
    timeline,
  });
}

describe("everything k times as slow", () => {
  /** When each answer of a disk reached the guest. */
  const inputs = (k: number): number[] =>
    play(slowerBy(k), new Set(["boundary"]))
      .filter(({ data }) => (data["input"] as { kind: string }).kind === "block-done")
      .map(({ timeNs }) => timeNs);

  it.each([2, 5])("reaches the guest at %i times the time, rounding apart", (k) => {
    const [once, slow] = [inputs(1), inputs(k)];
    expect(once.length).toBeGreaterThan(500);
    expect(slow.length).toBe(once.length);
    // Each of the few steps of a request is rounded up to a nanosecond, which then adds up.
    slow.forEach((timeNs, i) =>
      expect(Math.abs(timeNs - k * once[i]!)).toBeLessThan(8 * k * (i + 10)),
    );
  });

  it.each([2, 5])("a snapshot takes %i times as long, but for its polls", (k) => {
    const took = (factor: number): number => {
      const told = play(
        slowerBy(factor, [{ id: "snap", atMs: 300 * factor, do: "snapshot", vm: "db" }]),
      );
      const of = (kind: string): number =>
        told.find((each) => each.kind === kind && each.data["id"] === "snap")!.timeNs;
      return of("operation-end") - of("operation");
    };
    const [once, slow] = [took(1), took(k)];
    expect(Math.abs(slow - k * once)).toBeLessThan(100_000 * k);
  });
});
