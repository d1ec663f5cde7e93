/**
 * Where to put crashes: every event in which an operation takes a phase or something becomes
 * durable, found by running it once; and what must be true after each, whatever was done.
 *
 * Suites take a sample of the points. With ORRERY_EXHAUSTIVE set (`npm run hunt:crashes`) they take
 * all of them, go on after one that fails, and say how many they tried.
 */
import { expect } from "vitest";
import {
  captureWorld,
  fromMs,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";

export interface CrashPoint {
  readonly event: number;
  /** Phases and durable steps of this event. */
  readonly at: string;
}

/**
 * Runs `world` on to `untilNs` and lists the points between the begin and the end of operations
 * whose id passes `isMeant`; leaves the world where it was.
 */
export function crashPoints(
  world: World,
  untilNs: number,
  isMeant: (id: string) => boolean,
): readonly CrashPoint[] {
  const image = captureWorld(world);
  const points = new Map<number, string[]>();
  let running = 0;
  const note = (event: number, what: string) =>
    points.set(event, [...(points.get(event) ?? []), what]);
  world.hooks.onNotice = ({ kind, data, event }) => {
    const meant = isMeant(String(data["id"]));
    if (kind === "operation" && meant) running++;
    if (kind === "phase" && meant) note(event, String(data["phase"]));
    if (kind === "durable" && running > 0 && /file|volume/.test(String(data["label"]))) {
      note(event, String(data["label"]));
    }
    if (kind === "operation-end" && meant) {
      running--;
      note(event, "end");
    }
  };
  world.run({ untilNs });
  world.hooks = {};
  restoreWorld(world, image);
  return [...points].map(([event, what]) => ({ event, at: what.join(", ") }));
}

const isExhaustive = process.env["ORRERY_EXHAUSTIVE"] !== undefined;

/** What a suite of crashes may take, in milliseconds. */
export const CRASHES_MS = isExhaustive ? 8 * 3_600_000 : 600_000;

/** Every so many of the points, beginning with number `from`; all of them in a hunt. */
export function sampled<Point>(
  points: readonly Point[],
  every: number,
  from = 0,
): readonly Point[] {
  if (isExhaustive) return points;
  return points.filter((_, index) => index % every === from % every);
}

/** Loops take their phases many times: each kind of step once; all of them in a hunt. */
export function onceEach(points: readonly CrashPoint[]): readonly CrashPoint[] {
  if (isExhaustive) return points;
  return [...new Map(points.map((point) => [point.at, point])).values()];
}

export function violations(world: World): string[] {
  return world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);
}

interface ArrayDurable {
  readonly files: { readonly [key: string]: { readonly value?: unknown } };
  readonly volumes: object;
}

const durableOf = (world: World, array: string): ArrayDurable =>
  world.named(array).durable as unknown as ArrayDurable;

/** Files of an array that are there. */
export function filesOf(world: World, array = "array"): string[] {
  const { files } = durableOf(world, array);
  return Object.keys(files)
    .filter((key) => files[key]!.value !== undefined)
    .map((key) => key.slice("file:".length));
}

export function volumesOf(world: World, array = "array"): string[] {
  return Object.keys(durableOf(world, array).volumes).map((key) => key.slice("volume:".length));
}

/** All small files and volume names: what a recovery decides by. Equal states are tried once. */
export function metadataOf(world: World, array = "array"): string {
  const { files, volumes } = durableOf(world, array);
  const values = Object.entries(files).filter(([key]) => !/heartbeat|owner/.test(key));
  return JSON.stringify([values.map(([key, { value }]) => [key, value]), Object.keys(volumes)]);
}

export const isRunning = (world: World, vm: string): boolean =>
  powerStateOf(vmRecordOf(world, vm)) === "running";

/** Points tried: of the operations, and of what follows a first crash. */
const tried = [0, 0];
let depth = 0;

/** Lets the world run on from `image` with `strike` done to it at each of the points. */
export function afterEach(
  world: World,
  image: WorldImage,
  points: readonly CrashPoint[],
  strike: (point: CrashPoint) => void,
): void {
  const failures: unknown[] = [];
  if (depth === 0) tried.fill(0);
  tried[depth]! += points.length;
  depth++;
  try {
    for (const point of points) {
      restoreWorld(world, image);
      world.run({ untilEvent: point.event });
      try {
        strike(point);
      } catch (error) {
        if (!isExhaustive) throw error;
        console.error(`event ${point.event}, ${point.at}: ${String(error)}`);
        failures.push(error);
      }
    }
  } finally {
    depth--;
  }
  if (isExhaustive && depth === 0) {
    const [first, second] = tried;
    console.log(`${expect.getState().currentTestName}: ${first} points, ${second} after them`);
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} points fail`);
}

/** The domain of this name loses power. */
export function crash(world: World, domain: string): void {
  world.crash(world.registry.domainNamed(domain)!, "test");
}

/** The domain of this name loses power, and is put up again after `forMs` if nobody did so. */
export function crashFor(world: World, domain: string, forMs: number): void {
  crash(world, domain);
  world.run({ untilNs: world.timeNs + fromMs(forMs) });
  const lost = world.registry.domainNamed(domain)!;
  if (!world.isUp(lost)) world.restart(lost);
}

/** Outcomes of operations by id, as they end from here on. */
export function outcomesOf(world: World): { readonly [id: string]: string } {
  const ended: { [id: string]: string } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end") ended[data["id"] as string] = data["outcome"] as string;
  };
  return ended;
}

/** Intents of every kind that are open on an array. */
export const intentsOf = (world: World): string[] =>
  filesOf(world).filter((name) => name.endsWith("intent"));

/** What must be true once everything is over: nothing was violated and the VM runs. */
export function expectRunning(world: World, vm: string, where: string): void {
  world.finish();
  expect(violations(world), where).toEqual([]);
  expect(isRunning(world, vm), where).toBe(true);
}
