/**
 * The first difference of two recorded runs: both are re-executed, the first event after which their
 * states differ is found by bisection over event numbers, and there the fields are compared. What
 * differs before the first event (documents) is reported apart, and does not hide what follows.
 */
import { diffWorlds, type Difference, entityDigests, type World } from "../../core/kernel/index.ts";
import type { Sliced } from "../replaying/sliced.ts";
import type { Timeline } from "../replaying/timeline.ts";

export interface TraceDifference {
  /** Differences of the two worlds before the first event. */
  readonly initial: readonly Difference[];
  /** Number of the first event after which the states differ; undefined when none does. */
  readonly event: number | undefined;
  readonly timeNs: number | undefined;
  readonly entity: string | undefined;
  /** At that event; the first one is the field to look at. */
  readonly differences: readonly Difference[];
}

const STRIDES = 4_096;

export function* diffTraces(a: Timeline, b: Timeline): Sliced<TraceDifference> {
  a.seekEvent(0);
  b.seekEvent(0);
  const initial = diffWorlds(a.world, b.world);
  const ignored = differingEntities(a.world, b.world);
  const last = Math.max(a.run.lastEvent, b.run.lastEvent);
  const differs = (event: number): boolean => {
    a.seekEvent(event);
    b.seekEvent(event);
    if (a.event !== b.event || a.world.timeNs !== b.world.timeNs) return true;
    return [...differingEntities(a.world, b.world)].some((entity) => !ignored.has(entity));
  };
  const event = yield* firstDifferent(last, differs);
  if (event === undefined) {
    return { initial, event: undefined, timeNs: undefined, entity: undefined, differences: [] };
  }
  differs(event - 1);
  const before = diffWorlds(a.world, b.world, 200);
  differs(event);
  const known = new Set([...initial, ...before].map(keyOf));
  const found = diffWorlds(a.world, b.world, 200).filter((each) => !known.has(keyOf(each)));
  const differences = found.length > 0 ? found.slice(0, 20) : diffWorlds(a.world, b.world);
  const { timeNs } = a.world;
  return { initial, event, timeNs, entity: entityOf(differences[0], a.world), differences };
}

/** A pending event moves up when others fire: it is known by what it holds, not by its place. */
function keyOf({ path, a, b }: Difference): string {
  if (!path.startsWith("/pending/")) return path;
  return JSON.stringify([path.split("/").slice(3), a, b]);
}

/**
 * States can meet again after they differed, so the whole run is looked at in small strides before
 * the place within one is found by bisection.
 */
function* firstDifferent(
  last: number,
  differs: (at: number) => boolean,
): Sliced<number | undefined> {
  const stride = Math.ceil(last / STRIDES);
  let below = 0;
  while (below < last) {
    const at = Math.min(last, below + stride);
    yield;
    if (differs(at)) return firstTrue(below, at, differs);
    below = at;
  }
  return undefined;
}

/** Smallest number in (low, high] for which `holds`, given that it holds for `high`. */
function firstTrue(low: number, high: number, holds: (at: number) => boolean): number {
  let below = low;
  let found = high;
  while (found - below > 1) {
    const middle = Math.floor((below + found) / 2);
    if (holds(middle)) found = middle;
    else below = middle;
  }
  return found;
}

function differingEntities(a: World, b: World): Set<string> {
  const left = entityDigests(a);
  const right = entityDigests(b);
  const names = new Set([...left.keys(), ...right.keys()]);
  return new Set([...names].filter((name) => left.get(name) !== right.get(name)));
}

function entityOf(difference: Difference | undefined, world: World): string | undefined {
  if (difference === undefined) return undefined;
  const segments = difference.path.slice(1).split("/");
  for (let taken = segments.length; taken > 0; taken--) {
    const name = segments.slice(0, taken).join("/");
    if (world.registry.idOf(name) !== undefined) return name;
  }
  return undefined;
}
