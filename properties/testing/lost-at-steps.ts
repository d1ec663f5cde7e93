/**
 * An operation on a VM that runs on `alpha` and is restarted on `beta`, with a host or the array lost at
 * its steps: the loops of suites that differ in the operation, and in what must be true afterwards.
 */
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import {
  afterEach,
  crash,
  crashFor,
  type CrashPoint,
  crashPoints,
  metadataOf,
  sampled,
} from "./crash-points.ts";

/** `beta` has begun nothing of the recovery before. */
const BEFORE_RECOVERY_MS = 1_999;
const ARRAY_LOST_MS = 200;

/** Checks what must be true however it ended, and says how it did. */
type Settled<T> = (world: World, where: string) => T;

interface HostLosses<T> {
  /** All is settled by then when one host was lost. */
  readonly endNs: number;
  /** Operations of a recovery, by id. */
  readonly isRecovery: (id: string) => boolean;
  /** Every so many of the recovery's steps. */
  readonly everyAgain: number;
  /** All is settled so long after both hosts are back. */
  readonly backMs: number;
  readonly settled: Settled<T>;
}

/**
 * With the first host lost at each point and, once for each state that this leaves, the next one in
 * the recovery. How it ended after the first loss.
 */
export function loseHosts<T>(
  world: World,
  points: readonly CrashPoint[],
  { endNs, isRecovery, everyAgain, backMs, settled }: HostLosses<T>,
): Set<T> {
  const tried = new Set<string>();
  const ends = new Set<T>();
  afterEach(world, captureWorld(world), points, ({ at }) => {
    crash(world, "alpha");
    const state = metadataOf(world);
    const lost = captureWorld(world);
    world.run({ untilNs: endNs });
    ends.add(settled(world, `host lost at ${at}`));
    if (tried.has(state)) return;
    tried.add(state);
    restoreWorld(world, lost);
    world.run({ untilNs: world.timeNs + fromMs(BEFORE_RECOVERY_MS) });
    const again = crashPoints(world, endNs, isRecovery);
    afterEach(world, captureWorld(world), sampled(again, everyAgain, 7 * tried.size), (second) => {
      crash(world, "beta");
      for (const host of ["alpha", "beta"]) world.restart(world.registry.domainNamed(host)!);
      world.run({ untilNs: world.timeNs + fromMs(backMs) });
      settled(world, `host lost at ${at}, the next at ${second.at}`);
    });
  });
  return ends;
}

/** With the array lost for a while at each point; how it ended. */
export function loseArray<T>(
  world: World,
  points: readonly CrashPoint[],
  { backMs, settled }: Pick<HostLosses<T>, "backMs" | "settled">,
): Set<T> {
  const ends = new Set<T>();
  afterEach(world, captureWorld(world), points, ({ at }) => {
    crashFor(world, "array", ARRAY_LOST_MS);
    world.run({ untilNs: world.timeNs + fromMs(backMs) });
    ends.add(settled(world, `array lost at ${at}`));
  });
  return ends;
}
