/**
 * The host that settles, at the start of a VM, what a lost host left is lost as well, and a request
 * that it had sent is still on its way. A third host settles it, and the VM goes on: what it makes
 * next may bear the names of what was undone. The request comes at any step of that, or after it. It
 * removes nothing that was made since, and closes no intent of another operation. Owners do not help:
 * of a host that is lost the array does not know any more what it had sent. The intents alone must keep
 * apart what is of now from what is late.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  intentsOf,
  metadataOf,
  sampled,
} from "../testing/crash-points.ts";
import {
  documentFor,
  type Entry,
  hostOf,
  OPERATIONS_BY_NAME,
  recoveryMs,
  type Tried,
} from "../testing/disk-operations.ts";
import { tryEachOfLost } from "../testing/late-messages.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** From the first start elsewhere on until all is settled. */
const SETTLED_MS = 3_000;
/** About so many of the points at which the operation's host is lost, however long it takes. */
const POINTS = 4;
/** Of the requests of who settles it, and of the steps of what follows. */
const EVERY_REQUEST = 3;
const EVERY_STEP = 71;
/** Of a growth, which takes few. */
const EVERY_OF_FEW = { every: 1, everyStep: 31 } as const;
/** More than the operation made of it. */
const GROWN_MIB = 32;

function documentOf(tried: Tried): ScenarioDocument {
  const { vm = "db" } = tried;
  const atMs = recoveryMs(tried);
  const host = hostOf(tried) === "beta" ? "alpha" : "beta";
  const timeline: Entry[] = [
    { id: "on", atMs, do: "restart", vm, host: "gamma" },
    { id: "then", atMs: atMs + 300, do: "restart", vm, host },
    { id: "retry", after: "then.ended", delayMs: 500, do: "restart", vm, host },
    { id: "above", after: "retry.complete", delayMs: 50, do: "snapshot", vm },
    { id: "beside", after: "retry.complete", delayMs: 70, do: "backup", vm, to: "vault" },
    { id: "again", after: "above.complete", delayMs: 200, do: "restart", vm, host },
  ];
  const more = { id: "more", after: "above.complete", delayMs: 100, vm } as const;
  const grown = { ...more, do: "grow-disk", disk: "data", toMiB: GROWN_MIB } as const;
  if (tried.operation.do === "grow-disk") timeline.push(grown);
  return documentFor(tried, { timeline, settledMs: SETTLED_MS });
}

function pointsOf(world: World, vm: string): readonly string[] {
  const { files } = world.named("array").durable as unknown as {
    readonly files: { readonly [key: string]: { readonly value: Configuration } };
  };
  return files[`file:${vm}.vmx`]!.value.pointsInTime.map(({ id }) => id);
}

type Configuration = { readonly pointsInTime: readonly { readonly id: string }[] };

/** Of the volumes of the disk that grows. */
function leastMiB(world: World): number {
  const { volumes } = world.named("array").durable as unknown as {
    readonly volumes: { readonly [label: string]: { readonly sectors: number } };
  };
  const own = Object.entries(volumes).filter(([label]) => label.startsWith("volume:db-data"));
  return Math.min(...own.map(([, { sectors }]) => sectors / 2_048));
}

describe.each(OPERATIONS_BY_NAME)("%s", (_name, tried) => {
  it(
    "is settled for good, whatever who settled it had sent and whenever that comes",
    () => {
      const world = builderOf(documentOf(tried)).build({ seed: 1 });
      world.run({ untilNs: fromMs(tried.operation.atMs!) - 1 });
      const endNs = fromMs(recoveryMs(tried));
      const points = crashPoints(world, endNs, (id) => id.startsWith("op"));
      const known = new Set<string>();
      let trials = 0;
      const some = sampled(points, Math.ceil(points.length / POINTS), POINTS);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        crash(world, hostOf(tried));
        const state = metadataOf(world);
        if (known.has(state)) return;
        known.add(state);
        world.run({ untilNs: endNs - 1 });
        trials += tryLost(world, tried, known.size, `lost at ${at}`);
      });
      expect(trials).toBeGreaterThan(3);
    },
    CRASHES_MS,
  );
});

/** The operation's host was lost: so is who settles what it left, as each request is sent. */
function tryLost(world: World, tried: Tried, from: number, lost: string): number {
  const { vm = "db" } = tried;
  return tryEachOfLost(world, {
    array: "array",
    of: ["on", "op", `${vm}.settle-1`],
    every: EVERY_REQUEST,
    everyStep: EVERY_STEP,
    from,
    ...(tried.operation.do === "grow-disk" && EVERY_OF_FEW),
    endMs: recoveryMs(tried) + SETTLED_MS,
    isRecovery: (id) => /^(then|retry|above|beside|again|\w+\.settle)/.test(id),
    settled({ above, again }, late) {
      const where = `${lost}, ${late}`;
      // It may come once one of them has ended.
      const ended = { above: above ?? "complete", again: again ?? "complete" };
      expect(ended, where).toEqual({ above: "complete", again: "complete" });
      expect(pointsOf(world, vm), where).toContain("above");
      expect(intentsOf(world), where).toEqual([]);
      expectRunning(world, vm, where);
      if (tried.operation.do === "grow-disk") expect(leastMiB(world), where).toBe(GROWN_MIB);
    },
  });
}
