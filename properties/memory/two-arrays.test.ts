/**
 * A machine that is saved to two arrays at once: the intents that keep others out are files of one
 * array each. Whoever comes second is refused, and takes nothing from the first: no trace, and no stun.
 */
import { describe, expect, it } from "vitest";
import { type ScenarioDocument } from "../../scenarios/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import { expectRunning, intentsOf, violations } from "../testing/crash-points.ts";
import { runSuspended, SMALL_BLOCKS, suspendedVm, type Timeline } from "../testing/suspended-vm.ts";

const BUSY = { workingSetMiB: 1.5, writesPerSecond: 20_000, readsPerSecond: 20_000 } as const;

function withVault(timeline: Timeline, faults: ScenarioDocument["faults"] = []): ScenarioDocument {
  const { arrays = [], links = [], ...document } = suspendedVm(timeline, BUSY);
  return {
    ...document,
    faults,
    arrays: [...arrays, { id: "vault", readLatencyUs: 100, writeLatencyUs: 300 }],
    links: [...links, { between: ["alpha", "vault"] }, { between: ["beta", "vault"] }],
  };
}

const WAYS = [
  { do: "checkpoint" },
  { do: "checkpoint", base: "last" },
  { do: "checkpoint", withDisks: true },
  { do: "suspend" },
  { do: "suspend", workingSet: "access-bits", traceMs: 5 },
] as const;

/** From before the second one begins to after it has ended. */
const LATER_MS = [0, 0.4, 1, 2.5, 6, 12, 25, 60];

describe("a machine that is saved to two arrays at once", () => {
  it.each(WAYS)("is saved by one at a time (%o)", (way) => {
    const outcomes = new Set<string>();
    for (const laterMs of LATER_MS) {
      for (const [here, there] of [
        ["array", "vault"],
        ["vault", "array"],
      ] as const) {
        const withDisks = way.do === "checkpoint" && "withDisks" in way && there === "vault";
        const first = { do: "checkpoint", vm: "db", on: here, ...SMALL_BLOCKS } as const;
        const { withDisks: _, ...alone } = way as { withDisks?: boolean };
        const second = { ...(withDisks ? alone : way), vm: "db", on: there, ...SMALL_BLOCKS };
        const { world, ended } = runSuspended(
          withVault([
            { ...first, id: "save", atMs: 60 },
            { ...second, id: "other", atMs: 60 + laterMs },
          ] as Timeline),
        );
        const where = `${here}, then ${there} ${laterMs} ms later`;
        expect(violations(world), where).toEqual([]);
        expect(intentsOf(world), where).toEqual([]);
        const both = [ended["save"]?.outcome, ended["other"]?.outcome] as const;
        expect(both, where).toContain("complete");
        both.forEach((outcome) => expect(["complete", "busy", "vm-off"], where).toContain(outcome));
        both.forEach((outcome) => outcomes.add(outcome!));
        if (way.do === "checkpoint") expectRunning(world, "db", where);
      }
    }
    expect(outcomes).toContain("busy");
  });

  it("stands as long as its operator stopped it, when a suspend fails before its stun", () => {
    const sleep = { do: "suspend", workingSet: "access-bits", traceMs: 40, ...SMALL_BLOCKS };
    const { world, ended } = runSuspended(
      withVault(
        [
          { ...sleep, id: "sleep", atMs: 60, vm: "db", on: "vault" },
          { id: "halt", atMs: 70, do: "stun", vm: "db" },
        ] as Timeline,
        [{ kind: "no-space", atMs: 75, device: "vault", durationMs: 900 }],
      ),
    );
    expect(ended["sleep"]).toMatchObject({ outcome: "no-space" });
    expect(violations(world)).toEqual([]);
    const run = world.entity(vmRecordOf(world, "db").durable.instance);
    expect(run.volatile).toMatchObject({ stuns: 1 });
  });
});
