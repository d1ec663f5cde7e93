/**
 * Real machines that are checkpointed, suspended and restored in every way, at many instants: what they
 * put out, and when they end, counted in their own instructions, is as if nothing had been.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import {
  createBuilder,
  prepareDocument,
  type ScenarioBuilder,
  type ScenarioDocument,
} from "../../scenarios/index.ts";
import { BOUNDARY_NOTICE, LoneMachine, type MachineEntry } from "../../core/vmm/index.ts";
import { violations } from "../testing/crash-points.ts";

type Entries = NonNullable<ScenarioDocument["timeline"]>;
/** Notice of what a console shows. */
const CONSOLE_NOTICE = "console-output";
const PROGRAM = "core/guest/rv64/samples/newton.elf";
const WORKER = "core/guest/rv64/samples/world/worker.elf";

/** Disks are slow enough for a machine to be stopped while it waits for one. */
const SLOW_US = 20_000;

async function builderOf(timeline: Entries, file: string): Promise<ScenarioBuilder> {
  const disks = file === WORKER ? [{ id: "data", on: "array", sizeMiB: 1 }] : [];
  const latencyUs = file === WORKER ? SLOW_US : 100;
  const document: ScenarioDocument = {
    name: "machine",
    seed: 1,
    durationMs: 6_000,
    hosts: [{ id: "alpha", cores: 2, memoryMiB: 1_024 }],
    arrays: [{ id: "array", readLatencyUs: latencyUs, writeLatencyUs: latencyUs }],
    links: [{ between: ["alpha", "array"] }],
    vms: [
      {
        id: "m",
        host: "alpha",
        memoryMiB: 2,
        guest: { kind: "rv64", file, instructionsPerSecond: 1_000_000 },
        disks,
      },
    ] as never,
    timeline,
  };
  const prepared = await prepareDocument(document, "machine");
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const { scenario } = prepared;
  return createBuilder(scenario.document, scenario.inputs, scenario.own, []);
}

/** What it put out, what its operations came to, and whether anything was violated. */
async function lived(timeline: Entries, file = PROGRAM, careless?: string) {
  const builder = await builderOf(timeline, file);
  const world: World = builder.build({ seed: 1 });
  const outcomes: string[] = [];
  const figures: { [id: string]: { readonly [name: string]: number } } = {};
  let shown = "";
  world.hooks.onNotice = ({ kind, data, entity }) => {
    const id = String(data["id"]);
    if (kind === CONSOLE_NOTICE) shown += String(data["text"]);
    if (kind === "operation" && id === "wake" && careless !== undefined) {
      Object.assign((world.named(entity).config as { params: object }).params, { careless });
    }
    if (kind !== "operation-end" || id.includes(".")) return;
    outcomes.push(String(data["outcome"]));
    figures[id] = data["figures"] as never;
  };
  world.run({ untilNs: fromMs(6_000) });
  world.finish();
  if (careless === undefined) {
    expect(violations(world)).toEqual([]);
    expect(world.named("m").durable["power"]).toBe("off");
  }
  const violated = violations(world).join();
  const disk = world.contents.get("array#volume:m-data")?.capture();
  return { output: builder.outputs(world)["m"]!, outcomes, figures, shown, disk, violated };
}

const SMALL = { vm: "m", on: "array", blockKiB: 16 } as const;

const WAKE = { id: "wake", after: "sleep.complete", do: "resume", vm: "m", on: "array" } as const;

describe("a real machine", () => {
  let undisturbed: unknown;
  beforeAll(async () => {
    undisturbed = (await lived([])).output;
  });

  it.each(["stop-and-copy", "copy-aside", "redirect", "lazy"] as const)(
    "that is saved by %s while it runs computes what it would have",
    async (method) => {
      const saves = [1, 13.37, 29].map((atMs, i) => {
        return { id: `ck${i}`, atMs, do: "checkpoint", method, ...SMALL } as const;
      });
      const { output, outcomes } = await lived(saves);
      expect(outcomes).toEqual(["complete", "complete", "complete"]);
      expect(output).toEqual(undisturbed);
    },
  );

  it("of which incremental checkpoints become one file goes on from that", async () => {
    const save = { do: "checkpoint", base: "last", ...SMALL };
    const { outcomes, figures } = await lived([
      { ...save, id: "c1", atMs: 1 },
      { ...save, id: "c2", after: "c1.complete", delayMs: 2 },
      { id: "one", after: "c2.complete", do: "merge-checkpoints", vm: "m", on: "array" },
      { id: "off", after: "one.complete", do: "power-off", vm: "m" },
      { id: "back", after: "off.complete", do: "restore-checkpoint", vm: "m", on: "array" },
    ] as never);
    expect(outcomes).toEqual(Array(5).fill("complete"));
    expect(figures["one"]).toMatchObject({ mergedFiles: 2, droppedFiles: 2 });
  });

  it.each(["lazy", "eager"] as const)(
    "that is suspended and resumed %s goes on at its next instruction",
    async (method) => {
      for (const atMs of [0.5, 7.77, 41]) {
        const { output, outcomes, figures } = await lived([
          { id: "sleep", atMs, do: "suspend", ...SMALL },
          { ...WAKE, method, readsAtOnce: 1 },
        ] as never);
        expect(outcomes).toEqual(["complete", "complete"]);
        expect(output).toEqual(undisturbed);
        if (method === "lazy") expect(figures["wake"]!["faults"]!).toBeGreaterThan(0);
      }
    },
  );

  it.each(["lazy", "deferred"] as const)(
    "that is suspended again while its restore is %s goes on from both files",
    async (method) => {
      const { output, outcomes, figures } = await lived([
        { id: "sleep", atMs: 7.77, do: "suspend", ...SMALL },
        { ...WAKE, method, readsAtOnce: 0 },
        { id: "save", after: "wake.goesOn", delayMs: 2, do: "checkpoint", ...SMALL },
        {
          id: "nap",
          after: "save.complete",
          do: "suspend",
          workingSet: "traced",
          traceMs: 2,
          ...SMALL,
        },
        { ...WAKE, id: "rise", after: "nap.complete", method, readsAtOnce: 0 },
        { id: "doze", after: "rise.goesOn", delayMs: 3, do: "suspend", ...SMALL },
        { ...WAKE, id: "up", after: "doze.complete", method: "lazy", readsAtOnce: 1 },
      ] as never);
      expect(outcomes.filter((each) => each === "complete").length).toBeGreaterThan(4);
      // Nearly all of it is zeros, which are there from the beginning when they are known.
      for (const id of ["save", "nap", "doze"]) {
        const least = method === "lazy" ? 100 : 0;
        expect(figures[id]!["residualPages"]!, id).toBeGreaterThanOrEqual(least);
      }
      expect(output).toEqual(undisturbed);
    },
  );

  it.each(["traced", "access-bits"] as const)(
    "whose pages are looked at while it is suspended goes on with those (%s)",
    async (workingSet) => {
      const { output, outcomes, figures } = await lived([
        { id: "sleep", atMs: 7.77, do: "suspend", workingSet, traceMs: 5, ...SMALL },
        { ...WAKE, method: "working-set", readsAtOnce: 1 },
      ] as never);
      expect(outcomes).toEqual(["complete", "complete"]);
      expect(output).toEqual(undisturbed);
      expect(figures["sleep"]!["activePages"]!).toBeGreaterThan(0);
      expect(figures["sleep"]!["activePages"]!).toBeLessThan(16);
      expect(figures["sleep"]!["backgroundBlocks"]!).toBeGreaterThan(100);
      expect(figures["wake"]!["faults"]).toBe(0);
    },
  );

  it("reads neighbours of what it waits for by its own page tables", async () => {
    const scattered = "core/guest/rv64/samples/world/scattered.elf";
    const { output } = await lived([], scattered);
    const restored = async (prefetch: string, atMs: number) => {
      const sleep = { id: "sleep", atMs, do: "suspend", ...SMALL, blockKiB: 4, groupBlocks: 2 };
      const wake = { ...WAKE, method: "lazy", readsAtOnce: 1, prefetch, prefetchPages: 4 };
      const back = await lived([sleep, wake] as never, scattered);
      expect(back.outcomes).toEqual(["complete", "complete"]);
      expect(back.output).toEqual(output);
      return back.figures["wake"]!;
    };
    for (const atMs of [60]) {
      const none = await restored("none", atMs);
      const virtual = await restored("virtual", atMs);
      const physical = await restored("physical", atMs);
      expect(virtual["walkSteps"]!).toBeGreaterThan(virtual["faults"]!);
      expect(virtual["faults"]!).toBeLessThan(physical["faults"]!);
      expect(virtual["stallNs"]!).toBeLessThan(none["stallNs"]! / 2);
    }
  });

  it("has pages made of what is known of them, and shares them until it writes", async () => {
    const patterns = "core/guest/rv64/samples/world/patterns.elf";
    const { output } = await lived([], patterns);
    const sleep = { id: "sleep", atMs: 450, do: "suspend", ...SMALL, blockKiB: 16 };
    const by = (method: string) => [sleep, { ...WAKE, method, readsAtOnce: 1 }] as never;
    const [deferred, lazy] = [
      await lived(by("deferred"), patterns),
      await lived(by("lazy"), patterns),
    ];
    for (const back of [deferred, lazy]) {
      expect(back.outcomes).toEqual(["complete", "complete"]);
      expect(back.output).toEqual(output);
    }
    const made = deferred.figures["wake"]!;
    expect(made["madePages"]!).toBeGreaterThan(0);
    expect(made["knownPages"]!).toBeGreaterThan(300);
    expect(made["faults"]!).toBeLessThan(lazy.figures["wake"]!["faults"]!);
    const { violated } = await lived(by("deferred"), patterns, "clearsFlagFirst");
    expect(violated).toMatch(/was made, and is not what it was/);
  });

  it("finds its own page tables changed under it, and computes what it would have", async () => {
    const exchanging = "core/guest/rv64/samples/board/accessed.elf";
    const { output } = await lived([], exchanging);
    const sleep = { id: "sleep", atMs: 40, do: "suspend", ...SMALL, blockKiB: 4, groupBlocks: 2 };
    const wake = { ...WAKE, method: "lazy", readsAtOnce: 1, prefetch: "virtual" };
    const back = await lived([sleep, wake] as never, exchanging);
    expect(back.outcomes).toEqual(["complete", "complete"]);
    expect(back.output).toEqual(output);
    expect(back.figures["wake"]!["walkSteps"]!).toBeGreaterThan(0);
  });

  it.each([PROGRAM, WORKER])("is built again alone from its boundary log (%s)", async (file) => {
    const save = { id: "ck", atMs: 7.77, do: "checkpoint", withDisks: false, ...SMALL };
    const sleep = { id: "sleep", atMs: file === WORKER ? 269 : 60, do: "suspend", ...SMALL };
    const timeline = [
      ...(file === WORKER ? [] : [save]),
      sleep,
      { ...WAKE, method: "lazy", readsAtOnce: 1 },
    ];
    const builder = await builderOf(timeline as never, file);
    const world = builder.build({ seed: 1 });
    const entries: MachineEntry[] = [];
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === BOUNDARY_NOTICE) entries.push(structuredClone(data) as never);
    };
    world.run({ untilNs: fromMs(6_000) });
    const marks = entries.flatMap(({ input }) => ("image" in input ? [input.kind] : []));
    expect(marks.slice(-2)).toEqual(["image-taken", "image-restored"]);
    expect(marks).toHaveLength(file === WORKER ? 2 : 3);
    const again = (log: readonly MachineEntry[]) => {
      const lone = new LoneMachine(builder.guestSpec("m"), builder.machines);
      for (const entry of log) {
        const taken = lone.take(entry);
        if (!taken.ok) return taken.code;
      }
      const { hash, bytes } = lone.outputs;
      return { hash, length: bytes };
    };
    expect(again(entries)).toEqual(builder.outputs(world)["m"]);
    // Canary: without the mark that it was remembered.
    const at = entries.findLastIndex(({ input }) => input.kind === "image-taken");
    expect(again(entries.with(at, entries[0]!))).toBe("gap");
  });

  it("with a disk goes on at once, and its devices wait for pages that are not there", async () => {
    const plain = await lived([], WORKER);
    let waited = 0;
    // Until then nothing is read that nobody asks for.
    const whole = { base: "last", longestChain: 1 };
    const after = { after: "wake.goesOn", delayMs: 100 };
    const again = { id: "again", ...after, do: "checkpoint", ...whole, ...SMALL };
    for (const atMs of [269]) {
      const sleep = { id: "sleep", atMs, do: "suspend", ...SMALL, blockKiB: 16 };
      const { shown, disk, outcomes, figures } = await lived(
        [sleep, { ...WAKE, readsAtOnce: 0 }, again] as never,
        WORKER,
      );
      expect(outcomes).toEqual(["complete", "complete", "complete"]);
      // When a disk answers is another matter; what it was told, and what is shown, is not.
      expect({ shown, disk }).toEqual({ shown: plain.shown, disk: plain.disk });
      waited += figures["wake"]!["deviceFaults"]!;
    }
    expect(waited).toBeGreaterThan(0);
    const sleep = { id: "sleep", atMs: 269, do: "suspend", ...SMALL, blockKiB: 16 };
    const wake = { ...WAKE, readsAtOnce: 0 };
    const planted = await lived([sleep, wake, again] as never, WORKER, "devicesGoOn");
    expect(planted.shown).not.toBe(plain.shown);
  });
});
