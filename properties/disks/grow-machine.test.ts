/**
 * A disk of a real machine grows while it runs: the driver hears of it by a configuration interrupt
 * (virtio 1.2, 2.4 and 4.2.2), uses what is new, and finds it again after a reset. Replayed, and
 * rebuilt alone from its boundary log, it is the same machine.
 */
import { describe, expect, it } from "vitest";
import { fromMs, hashHex, type World } from "../../core/kernel/index.ts";
import {
  createBuilder,
  openRecordedRun,
  prepareDocument,
  type ReadyScenario,
  runScenario,
  type ScenarioDocument,
} from "../../scenarios/index.ts";
import { MemoryTraceWriter, replayAsync } from "../../traces/index.ts";

const END_NS = fromMs(40);

const documentOf = (atMs: number): ScenarioDocument => ({
  name: "growing-machine",
  durationMs: 40,
  hosts: [{ id: "alpha", cores: 1, memoryMiB: 1_024 }],
  arrays: [{ id: "array", readLatencyUs: 100, writeLatencyUs: 80 }],
  links: [{ between: ["alpha", "array"] }],
  vms: [
    {
      id: "grower",
      host: "alpha",
      memoryMiB: 1,
      guest: {
        kind: "rv64",
        file: "core/guest/rv64/samples/world/grower.elf",
        instructionsPerSecond: 100_000_000,
      },
      disks: [{ id: "data", on: "array", sizeMiB: 8 }],
    },
  ],
  timeline: [{ id: "grow", atMs, do: "grow-disk", vm: "grower", disk: "data", toMiB: 16 }],
});

async function ready(atMs = 10): Promise<ReadyScenario> {
  const prepared = await prepareDocument(documentOf(atMs), "growing.json");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  return prepared.scenario;
}

const build = ({ document, inputs, own }: ReadyScenario, slice?: number): World =>
  createBuilder(document, inputs, own, [], slice).build({ seed: document.seed });

describe("a growing disk of a real machine", () => {
  it("is heard of by its driver, used, and found after a reset; one root whatever the slice", async () => {
    const scenario = await ready();
    const roots = [1_000, 10_000_000].map((slice) => {
      const world = build(scenario, slice);
      let printed = "";
      world.hooks.onNotice = ({ kind, data }) => {
        if (kind === "console-output") printed += String(data["text"]);
      };
      world.run({ untilNs: END_NS });
      world.finish();
      expect(world.checker.violations).toEqual([]);
      expect(printed.trim().split(/\s*\n/)).toEqual([
        "capacity 16384",
        "new size 32768",
        "capacity 32768",
      ]);
      const record = [...world.entities()].find(({ kind }) => kind === "vm-record")!;
      expect(record.durable["ended"]).toBe("shutdown");
      return hashHex(world.root());
    });
    expect(new Set(roots).size).toBe(1);
  }, 60_000);

  it("waits for ever when the disk stays as it is (canary)", async () => {
    const world = build(await ready(39));
    world.run({ untilNs: fromMs(38) });
    const record = [...world.entities()].find(({ kind }) => kind === "vm-record")!;
    expect(record.durable["ended"]).not.toBe("shutdown");
  });

  it("replays from its trace", async () => {
    const scenario = await ready();
    let writer: MemoryTraceWriter | undefined;
    const run = await runScenario(scenario, {
      entropy: "seed",
      log: "full",
      untilNs: END_NS,
      openTrace: (header) => (writer = new MemoryTraceWriter(header)),
    });
    const opened = await openRecordedRun(writer!.bytes());
    if (!opened.ok) throw new Error(opened.message);
    const { run: recorded, builder, sameCode } = opened;
    const again = await replayAsync(recorded, builder, { sameCode });
    expect(again).toMatchObject({ verified: true, root: run.root });
  }, 60_000);
});
