/**
 * Disk checkpoints of a running VM: what is kept, what the guest waits, and hosts or arrays lost at
 * every phase and durable step. After each: the VM comes back with what it was promised, a copy that
 * counts is one that can be restored, and nothing is left over.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type PlainObject, type World } from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  CRASHES_MS,
  crashPoints,
  filesOf,
  isRunning,
  onceEach,
  sampled,
  violations,
  volumesOf,
} from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

type Timeline = NonNullable<ScenarioDocument["timeline"]>;

function documentOf(timeline: Timeline, changes: Partial<ScenarioDocument> = {}): ScenarioDocument {
  const small = smallDatacenter();
  const block = { pacing: "closed", outstanding: 2, thinkTimeUs: 2_500, readPercent: 20 } as const;
  return {
    ...small,
    arrays: [...small.arrays!, { id: "vault", readLatencyUs: 300, writeLatencyUs: 300 }],
    links: [
      ...small.links!,
      { between: ["alpha", "vault"], bandwidthMbps: 1_000 },
      { between: ["beta", "vault"] },
    ],
    vms: small.vms!.map((vm) => ({
      ...vm,
      guest: {
        kind: "workload",
        bootMs: 10,
        phases: [
          {
            name: "work",
            durationMs: 500,
            block: [
              { ...block, disk: "data", regionMiB: 2, flushEvery: 4 },
              { ...block, disk: "log", regionMiB: 1, flushEvery: 3 },
            ],
          },
          { name: "rest", durationMs: 100_000 },
        ],
      },
      disks: vm.disks!.map((disk) => ({ ...disk, sizeMiB: 8 })),
    })),
    timeline,
    ...changes,
  };
}

interface Ended {
  readonly world: World;
  readonly figures: { readonly [id: string]: PlainObject };
  readonly outcomes: { readonly [id: string]: string };
}

function runTo(document: ScenarioDocument, untilMs: number): Ended {
  const world = builderOf(document).build({ seed: 1 });
  const figures: { [id: string]: PlainObject } = {};
  const outcomes: { [id: string]: string } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind !== "operation-end") return;
    figures[data["id"] as string] = data["figures"] as PlainObject;
    outcomes[data["id"] as string] = data["outcome"] as string;
  };
  world.run({ untilNs: fromMs(untilMs) });
  world.finish();
  return { world, figures, outcomes };
}

type Commit = "mirror" | "metadata" | "pause";

const checkpoints = (commit: Commit): Timeline => [
  { id: "one", atMs: 60, do: "disk-checkpoint", vm: "db", to: "vault", commit },
  { id: "two", after: "one.complete", do: "disk-checkpoint", vm: "db", to: "vault", commit },
];

describe("disk checkpoints", () => {
  it("keep a raw disk and one layer, and copy what the layer holds", () => {
    const { world, figures, outcomes } = runTo(documentOf(checkpoints("mirror")), 2_000);
    expect(violations(world)).toEqual([]);
    expect(outcomes).toMatchObject({ one: "complete", two: "complete" });
    // Raw disk and ck0 for each of the two disks; ck1 was committed.
    expect(volumesOf(world)).toHaveLength(4);
    expect(filesOf(world)).not.toContain("db.backup-intent");
    expect(filesOf(world, "vault").filter((name) => name.endsWith(".backup"))).toHaveLength(3);
    expect(figures["one"]!["rawSectors"]).toBeGreaterThan(0);
    expect(figures["two"]!["rawSectors"]).toBe(0);
    const [first, second] = ["one", "two"].map((id) => Number(figures[id]!["copiedSectors"]));
    expect(second).toBeGreaterThan(first!);
  });

  it("by mirror let the guest wait far less than by the article's pause", () => {
    const waits = (["mirror", "pause", "metadata"] as const).map((commit) => {
      const { world, figures } = runTo(documentOf(checkpoints(commit)), 2_500);
      expect(violations(world)).toEqual([]);
      return figures["two"]!["commitStunNs"] as number;
    });
    expect(waits[1]).toBeGreaterThan(2 * waits[0]!);
    expect(waits[1]).toBeGreaterThan(waits[2]!);
  });

  it("are brought back by restore, with raw disk and layer put together", () => {
    const document = documentOf([
      ...checkpoints("mirror"),
      { id: "off", atMs: 1_500, do: "power-off", vm: "db" },
      { id: "back", atMs: 1_600, do: "restore", vm: "db", backup: "one", from: "vault" },
    ]);
    const { world, outcomes } = runTo(document, 3_000);
    // The backup's invariant holds the disks against what they were at the instant.
    expect(violations(world)).toEqual([]);
    expect(outcomes["back"]).toBe("complete");
    expect(powerStateOf(vmRecordOf(world, "db"))).toBe("off");
  });
});

describe("a disk checkpoint cut short", () => {
  const at = (commit: Commit = "mirror"): { world: World; first: number } => {
    const [one, two] = checkpoints(commit);
    const timeline = [one!, { ...two!, after: undefined, atMs: 400 }].map((entry) =>
      Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)),
    ) as unknown as Timeline;
    const world = builderOf(documentOf(timeline)).build({ seed: 1 });
    world.run({ untilNs: fromMs(400) - 1 });
    return { world, first: world.eventCount };
  };

  function whole(world: World, place: string, backupsAtLeast: number): void {
    expect(violations(world), place).toEqual([]);
    expect(isRunning(world, "db"), place).toBe(true);
    expect(world.activeOperations, place).toBe(0);
    for (const name of ["db.intent", "db.backup-intent"]) {
      expect(filesOf(world), place).not.toContain(name);
    }
    const kept = filesOf(world, "vault").filter((name) => name.endsWith(".backup"));
    expect(kept.length, place).toBeGreaterThanOrEqual(backupsAtLeast);
    expect(volumesOf(world, "vault"), place).toHaveLength(kept.length * 2);
    expect(volumesOf(world), place).toHaveLength(4);
  }

  it(
    "by the loss of its host, at every phase and durable step",
    () => {
      const { world } = at();
      const image = captureWorld(world);
      const points = crashPoints(world, fromMs(1_500), (id) => id.startsWith("two"));
      const steps = onceEach(points);
      expect(steps.length, "steps").toBeGreaterThan(40);
      afterEach(world, image, sampled(steps, 3), ({ event, at: step }) => {
        world.crash(world.registry.domainNamed("alpha")!, "test");
        world.run({ untilNs: fromMs(5_000) });
        world.finish();
        whole(world, `host lost at ${event} (${step})`, 2);
        expect(vmRecordOf(world, "db").durable.host).toBe("beta");
      });
    },
    CRASHES_MS,
  );

  it(
    "with a commit in the array's map, by the loss of its host, at every third",
    () => {
      const { world } = at("metadata");
      const image = captureWorld(world);
      const points = crashPoints(world, fromMs(1_500), (id) => id.startsWith("two.consolidate"));
      expect(points.length).toBeGreaterThan(10);
      const some = sampled(points, 3);
      afterEach(world, image, some, ({ event, at: step }) => {
        world.crash(world.registry.domainNamed("alpha")!, "test");
        world.run({ untilNs: fromMs(5_000) });
        world.finish();
        whole(world, `host lost at ${event} (${step})`, 2);
      });
    },
    CRASHES_MS,
  );

  it(
    "by the loss of the repository, at every seventh; the VM goes on",
    () => {
      const { world } = at();
      const image = captureWorld(world);
      const points = crashPoints(world, fromMs(1_500), (id) => id.startsWith("two"));
      const some = sampled(points, 7);
      afterEach(world, image, some, ({ event, at: step }) => {
        const vault = world.registry.domainNamed("vault")!;
        world.crash(vault, "test");
        world.run({ untilNs: world.timeNs + fromMs(200) });
        world.restart(vault);
        world.run({ untilNs: fromMs(14_000) });
        world.finish();
        whole(world, `repository lost at ${event} (${step})`, 2);
      });
    },
    CRASHES_MS,
  );

  it("canary: a copy marked as whole before it is, is noticed", () => {
    const { world } = at();
    const points = crashPoints(world, fromMs(1_500), (id) => id.startsWith("two"));
    const copying = points.find(({ at: step }) => step.includes("copyFrozen"))!;
    world.run({ untilEvent: copying.event });
    const vault = world.named("vault") as unknown as {
      editDurable: () => { files: { [key: string]: { version: number; value: PlainObject } } };
      durableStep: (label: string) => void;
    };
    const { files } = vault.editDurable();
    const file = files["file:two.backup"]!;
    files["file:two.backup"] = { ...file, value: { ...file.value, complete: true } };
    vault.durableStep("file two.backup");
    expect(violations(world).join()).toMatch(/backup two .*(differs|not whole)/);
  });
});
