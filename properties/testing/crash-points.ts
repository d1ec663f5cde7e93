/**
 * Where to put crashes: every event in which an operation takes a phase or something becomes
 * durable, found by running it once; and what must be true after each, whatever was done.
 */
import { expect } from "vitest";
import {
  captureWorld,
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

/**
 * Every so many of the points, beginning with number `from`; all of them where the environment says
 * ORRERY_EXHAUSTIVE.
 */
export function sampled(
  points: readonly CrashPoint[],
  every: number,
  from = 0,
): readonly CrashPoint[] {
  if (process.env["ORRERY_EXHAUSTIVE"] !== undefined) return points;
  return points.filter((_, index) => index % every === from % every);
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

/** Lets the world run on from `image` with `strike` done to it at each of the points. */
export function afterEach(
  world: World,
  image: WorldImage,
  points: readonly CrashPoint[],
  strike: (point: CrashPoint) => void,
): void {
  for (const point of points) {
    restoreWorld(world, image);
    world.run({ untilEvent: point.event });
    strike(point);
  }
}

/** The domain of this name loses power. */
export function crash(world: World, domain: string): void {
  world.crash(world.registry.domainNamed(domain)!, "test");
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
