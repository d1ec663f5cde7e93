/**
 * Moves of every kind, over fast and slow links, with what can be lost on the way lost at any event,
 * once or twice: in the end the VM runs in one place, with the memory and the disks that it wrote.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  captureWorld,
  type Entity,
  fromMs,
  restoreWorld,
  type Steer,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { violations } from "../testing/crash-points.ts";
import { movingVm, tellLink } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const ALGORITHMS = ["pre-copy", "fixed-rate", "stop-and-copy", "post-copy"] as const;
const BANDWIDTHS = [40, 300, 1_000] as const;
const LOSSES = ["alpha", "beta", "array", "link", "path"] as const;

type Loss = (typeof LOSSES)[number];

const SETTINGS = { minMbps: 500, startUpMs: 2, patienceMs: 1_500 };

/** With a link between the hosts of so much. */
function documentOf(algorithm: string, mbps: number): ScenarioDocument {
  const base = movingVm({ ...SETTINGS, algorithm });
  const links = base.links!.map((link, at) => {
    const named = { ...link, id: link.id ?? `path${at}` };
    return link.id === "between" ? { ...named, bandwidthMbps: mbps } : named;
  });
  return { ...base, durationMs: 20_000, links };
}

const isDomain = (loss: Loss): boolean => loss !== "link" && loss !== "path";

const linkOf = (loss: Loss): string => (loss === "link" ? "between" : "path1");

/** A host or the array loses power, or a link is cut: that between the hosts, or beta's to the array. */
function lose(world: World, loss: Loss): void {
  const domain = world.registry.domainNamed(loss);
  if (isDomain(loss)) return world.crash(domain!, "test");
  tellLink(world, "cut", linkOf(loss));
}

function bringBack(world: World, loss: Loss): void {
  if (isDomain(loss)) return world.restart(world.registry.domainNamed(loss)!);
  tellLink(world, "heal", linkOf(loss));
}

const started = new Map<string, { readonly world: World; readonly image: WorldImage }>();

/** The world right before the move. */
function before(algorithm: string, mbps: number): World {
  const name = `${algorithm} ${mbps}`;
  let known = started.get(name);
  if (known === undefined) {
    const world = builderOf(documentOf(algorithm, mbps)).build({ seed: 1 });
    world.run({ untilNs: fromMs(300) - 1 });
    known = { world, image: captureWorld(world) };
    started.set(name, known);
  }
  restoreWorld(known.world, known.image);
  return known.world;
}

const trouble = fc.record({
  loss: fc.constantFrom(...LOSSES),
  /** Since the move began, or the last trouble was over. */
  afterUs: fc.integer({ min: 0, max: 400_000 }),
  awayMs: fc.constantFrom(20, 400, 2_500),
});

const plan = fc.record({
  algorithm: fc.constantFrom(...ALGORITHMS),
  mbps: fc.constantFrom(...BANDWIDTHS),
  troubles: fc.array(trouble, { minLength: 1, maxLength: 2 }),
});

describe("a VM that moves", () => {
  it("is whole and in one place, whatever is lost when", () => {
    fc.assert(
      fc.property(plan, ({ algorithm, mbps, troubles }) => {
        const world = before(algorithm, mbps);
        for (const { loss, afterUs, awayMs } of troubles) {
          world.run({ untilNs: world.timeNs + afterUs * 1_000 });
          lose(world, loss);
          world.run({ untilNs: world.timeNs + fromMs(awayMs) });
          bringBack(world, loss);
        }
        world.run({ untilNs: world.timeNs + fromMs(12_000) });
        world.finish();
        expect(violations(world)).toEqual([]);
        expect(powerStateOf(vmRecordOf(world, "db"))).toBe("running");
        expect(world.activeOperations).toBe(0);
        const memories = [...world.entities()].filter(({ kind }) => kind === "guest-memory");
        expect(memories).toHaveLength(1);
        expect((memories[0]!.volatile as { clients: unknown[] }).clients).toEqual([]);
      }),
      { numRuns: 10, seed: 5 },
    );
  }, 180_000);

  /** Runs until an operation takes a phase. */
  function untilPhase(world: World, id: string, phase: string): Entity {
    const seen = { phase: false };
    world.hooks.onNotice = ({ kind, data }) => {
      seen.phase ||= kind === "phase" && data["id"] === id && data["phase"] === phase;
    };
    while (!seen.phase) world.run({ untilEvent: world.eventCount + 1 });
    world.hooks = {};
    return world.named(id);
  }

  it("canary: a switch-over that is acknowledged twice is noticed", () => {
    const world = before("pre-copy", 1_000);
    const start = untilPhase(world, "db.start-run-1", "goOn");
    expect(violations(world)).toEqual([]);
    // That it has its disks is told once more.
    world.call(start, "enter", { phase: "begin", result: null });
    world.run({ untilNs: world.timeNs + fromMs(200) });
    expect(violations(world).join()).toMatch(/arrived and was not given away/);
  });

  it.each([true, false])(
    "canary: a page copied before all have flushed is noticed (%s)",
    (waits) => {
      // vCPUs take 30 ms to notice that they have to flush.
      const steer: Steer = ({ purpose }) => (purpose === "notice" ? fromMs(30) : undefined);
      const world = builderOf(movingVm(SETTINGS)).build({ seed: 1, steer });
      world.run({ untilNs: fromMs(300) - 1 });
      const move = untilPhase(world, "move", "reserved");
      // The traces were asked for, and nobody waits for them.
      if (!waits) world.call(move, "enter", { phase: "firstRound", result: null });
      world.run({ untilNs: world.timeNs + fromMs(900) });
      if (waits) expect(violations(world)).toEqual([]);
      else expect(violations(world).join()).toMatch(/pages of db are not what they were/);
    },
  );
});
