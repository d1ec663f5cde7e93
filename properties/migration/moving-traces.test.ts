/** What becomes of those who trace a VM's pages when it moves: each by its own rule. */
import { describe, expect, it } from "vitest";
import {
  component,
  type Entity,
  fromMs,
  type Request,
  type World,
} from "../../core/kernel/index.ts";
import { clientOf, memoryOf, type OnMove, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import { outcomesOf } from "../testing/crash-points.ts";
import { movingVm } from "../testing/moving-vm.ts";
import { builderOf } from "../testing/small-datacenter.ts";

type Config = { readonly vm: number; readonly memory: number };
type State = { hits: number; hurried: number; heard: readonly string[] };

/** Counts writes; what it was told is kept. */
const watcher = component<Config, Record<string, never>, State>({
  kind: "test-watcher",
  volatile: () => ({ hits: 0, hurried: 0, heard: [] }),
  handlers: {
    "trace-hit": (self) => void self.edit().hits++,
    hurry: (self, _request: Request) => void self.edit().hurried++,
    travelled: (self) => void self.edit().heard.push("travelled"),
    "run-moved": (self) => void self.edit().heard.push("run-moved"),
  },
});

const requestOf = (body: unknown) =>
  ({ from: 0, askId: 0, delivery: "stream", via: -1, body }) as Request;

/** A VM that moves with somebody watching all of its pages; the watcher at the source. */
function watched(onMove: OnMove, algorithm: string): { world: World; owner: Entity } {
  const world = builderOf(movingVm({ algorithm })).build({ seed: 1 });
  world.register(watcher as never);
  world.run({ untilNs: fromMs(250) });
  const run = vmOf(vmRecordOf(world, "db"))!;
  const memory = memoryOf(run);
  const config = { vm: run.id, memory: memory.id };
  const owner = world.spawn(watcher, config, { creator: run as never }) as unknown as Entity;
  const wish = { client: "watch", mode: "stores", priority: 5, granularity: "4KiB", by: "all" };
  const body = { ...wish, keeps: true, owner: owner.id, onMove };
  world.call(memory as never, "trace", requestOf(body) as never);
  return { world, owner };
}

const watchersOf = (world: World): Entity[] =>
  [...world.entities()].filter(({ kind }) => kind === "test-watcher");

const hereOf = (world: World) => clientOf(memoryOf(vmOf(vmRecordOf(world, "db"))!), "watch");

describe("a client of the page-trace service", () => {
  it.each(["pre-copy", "post-copy", "stop-and-copy"])(
    "that travels watches on at the destination, with what it knew (%s)",
    (algorithm) => {
      const { world, owner } = watched("travels", algorithm);
      world.run({ untilNs: fromMs(299) });
      const before = (owner.volatile as State).hits;
      expect(before).toBeGreaterThan(10);
      world.run({ untilNs: fromMs(1_200) });
      world.finish();
      expect(world.checker.violations).toEqual([]);
      expect(vmRecordOf(world, "db").durable.host).toBe("beta");
      const [left, ...others] = watchersOf(world);
      expect(others).toEqual([]);
      expect(left!.domain).toBe(world.registry.domainNamed("beta"));
      expect(left!.volatile).toMatchObject({ heard: ["travelled"] });
      expect((left!.volatile as State).hits).toBeGreaterThan(before + 100);
      expect(hereOf(world)).toMatchObject({ owner: left!.id });
    },
  );

  it("that is of the place ends there, and its owner hears of it", () => {
    const { world, owner } = watched("ends", "pre-copy");
    world.run({ untilNs: fromMs(1_200) });
    expect(vmRecordOf(world, "db").durable.host).toBe("beta");
    expect(owner.volatile).toMatchObject({ heard: ["run-moved"] });
    expect(hereOf(world)).toBeUndefined();
  });

  it.each(["before-copy", "before-stop"] as const)(
    "that is needed here is told to hurry, and waited for (%s)",
    (onMove) => {
      const { world, owner } = watched(onMove, "pre-copy");
      const ended = outcomesOf(world);
      world.run({ untilNs: fromMs(1_500) });
      expect(vmRecordOf(world, "db").durable.host).toBe("alpha");
      expect(owner.volatile).toMatchObject({ hurried: 1 });
      const memory = memoryOf(vmOf(vmRecordOf(world, "db"))!);
      world.call(memory as never, "untrace", requestOf({ client: "watch" }) as never);
      world.run({ untilNs: fromMs(2_500) });
      expect(ended).toMatchObject({ move: "complete" });
      expect(hereOf(world)).toBeUndefined();
    },
  );

  it("canary: who does not travel sees nothing of what is written there", () => {
    const { world, owner } = watched("ends", "pre-copy");
    world.run({ untilNs: fromMs(800) });
    const { hits } = owner.volatile as State;
    world.run({ untilNs: fromMs(1_500) });
    expect((owner.volatile as State).hits).toBe(hits);
  });
});
