/**
 * Loses the host, or the array, right after each durable step of an operation, settles what is left,
 * and loses the host again after each durable step of that. States that are equal by what is durable
 * are settled once.
 */
import { canonicalBytes, hash64, hashHex, type PlainObject } from "../../../kernel/index.ts";
import type { CowRig } from "./cow-rig.ts";

export type Enumerated = {
  /** Durable steps of the operation, where it was cut. */
  steps: number;
  /** Worlds that were settled and checked. */
  settled: number;
  /** States left out because an equal one was settled already. */
  merged: number;
};

/** All that survives a crash of everything. */
export function durableDigest(rig: CowRig): string {
  const { files, volumes } = rig.array.durable;
  const { bases, snapshots } = rig.vvols.durable;
  const state = { files, volumes, bases, snapshots } as unknown as PlainObject;
  const contents = rig.world.contents
    .namesOf("array")
    .concat(rig.world.contents.namesOf("array/vvols"))
    .map((name) => `${name} ${hashHex(rig.world.contents.get(name)!.digest())}`);
  return hashHex(hash64(canonicalBytes({ state, contents })));
}

/** What a recovery must end in, however often it was begun: all but versions and fences. */
export function logicalState(rig: CowRig): string {
  const files = Object.entries(rig.array.durable.files)
    .filter(([, { value }]) => value !== undefined)
    .map(([key, { value }]) => [key, value]);
  const { bases, snapshots } = rig.vvols.durable;
  const contents = rig.world.contents
    .namesOf("array")
    .filter((name) => name.startsWith("array#volume:"))
    .map((name) => [name, hashHex(rig.world.contents.get(name)!.digest())]);
  return JSON.stringify([
    files,
    sorted(bases),
    sorted(snapshots),
    sorted(Object.fromEntries(contents)),
  ]);
}

function sorted(table: object): unknown {
  return Object.entries(table)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { fence: _fence, grains: _grains, ...rest }]) => [name, rest]);
}

/** Numbers of the events from here to the end of `run` in which something became durable. */
function durableEvents(rig: CowRig, run: () => void): number[] {
  const events = new Set<number>();
  const { onNotice } = rig.world.hooks;
  rig.world.hooks.onNotice = (notice) => {
    if (notice.kind === "durable") events.add(notice.event);
    onNotice?.(notice);
  };
  run();
  rig.world.hooks.onNotice = onNotice!;
  return [...events];
}

export type CrashPlan = {
  readonly start: () => void;
  /** What is lost, and comes back. Nothing: another recovery runs beside the operation. */
  readonly lose: "host" | "array" | "nothing";
  /** Called on every settled world; `outcome` is that of the operation if it lived to tell. */
  readonly check: (where: string) => void;
  /** Whether recoveries are cut short too. Default: yes. */
  readonly nested?: boolean;
};

const SETTLING_NS = 200_000_000_000;

export function enumerateCrashes(rig: CowRig, plan: CrashPlan): Enumerated {
  const before = rig.capture();
  const counts: Enumerated = { steps: 0, settled: 0, merged: 0 };
  const events = durableEvents(rig, () => {
    plan.start();
    rig.run(SETTLING_NS);
  });
  plan.check("not cut");
  counts.steps = events.length;
  const seen = new Set<string>();
  for (const event of events) {
    rig.restore(before);
    plan.start();
    rig.world.run({ untilEvent: event });
    if (plan.lose === "nothing") intrude(rig, plan, counts, event);
    else if (plan.lose === "array") loseArray(rig, plan, counts, event);
    else loseHost(rig, plan, counts, seen, event);
  }
  return counts;
}

/** A power-on elsewhere takes the operation for dead and settles its intent, twice at once. */
function intrude(rig: CowRig, plan: CrashPlan, counts: Enumerated, event: number): void {
  rig.startSettling();
  rig.startSettling();
  rig.run(SETTLING_NS);
  counts.settled++;
  plan.check(`settled by others after event ${event}`);
}

/** The host lives on and finds out; the array is back after a while. */
function loseArray(rig: CowRig, plan: CrashPlan, counts: Enumerated, event: number): void {
  rig.world.crash(rig.domains.array, "test");
  rig.pass(300_000_000);
  rig.world.restart(rig.domains.array);
  rig.run(SETTLING_NS);
  counts.settled++;
  plan.check(`array lost after event ${event}`);
}

function loseHost(
  rig: CowRig,
  plan: CrashPlan,
  counts: Enumerated,
  seen: Set<string>,
  event: number,
): void {
  rig.crashHost();
  rig.run(1_000_000); // what was on its way arrives
  rig.restartHost();
  const digest = durableDigest(rig);
  if (seen.has(digest)) return void counts.merged++;
  seen.add(digest);
  const cut = rig.capture();
  const events = durableEvents(rig, () => rig.settle());
  counts.settled++;
  plan.check(`host lost after event ${event}`);
  if (plan.nested === false) return;
  const end = logicalState(rig);
  for (const again of events) {
    rig.restore(cut);
    rig.startSettling();
    rig.world.run({ untilEvent: again });
    rig.crashHost();
    rig.run(1_000_000);
    rig.restartHost();
    const inner = durableDigest(rig);
    if (seen.has(inner)) {
      counts.merged++;
      continue;
    }
    seen.add(inner);
    rig.settle();
    counts.settled++;
    const where = `host lost after event ${event}, then ${again}`;
    plan.check(where);
    if (logicalState(rig) !== end) throw new Error(`${where}: recovery ended elsewhere`);
  }
}
