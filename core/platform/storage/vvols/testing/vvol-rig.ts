/** An array with copy-on-write volumes and a client that asks it one thing after the other. */
import type { DomainId, World } from "../../../../kernel/index.ts";
import { type ArrayOptions, spawnArray } from "../../array.ts";
import type { ArrayEntity } from "../../array-state.ts";
import { storageInvariants } from "../../invariants.ts";
import {
  answersOf,
  askAt,
  type Client,
  newClient,
  newWorld,
  stampRun,
} from "../../testing/bench.ts";
import { MEDIUM } from "../../testing/stacks.ts";
import { vvolInvariants } from "../vvol-invariants.ts";
import type { VvolsEntity } from "../vvol-state.ts";
import { addVvol, spawnVvols } from "../vvols.ts";

export const SECTORS = 200;
export const CHUNK = 8;

export type Rig = {
  world: World;
  domain: DomainId;
  array: ArrayEntity;
  vvols: VvolsEntity;
  client: Client;
  tag: number;
};

export function rig(options: Partial<ArrayOptions> = {}, seed = 1): Rig {
  const world = newWorld({ seed });
  world.addInvariants([...storageInvariants, ...vvolInvariants]);
  const domain = world.addDomain("array");
  const client = newClient(world, domain);
  const array = spawnArray(world, {
    ...MEDIUM,
    name: "array",
    domain,
    capacityBytes: 4_000 * 512,
    grainBytes: 4 * 512,
    cacheProtected: true,
    ...options,
  });
  const vvols = spawnVvols(array, { chunkSectors: CHUNK });
  addVvol(array, "base", SECTORS, ["descriptor:base"]);
  return { world, domain, array, vvols, client, tag: 0 };
}

export function call(at: Rig, verb: string, body: object) {
  const tag = ++at.tag;
  askAt(at.client, 0, at.array, tag, body, verb);
  const find = () => answersOf(at.client).findLast((each) => each.tag === tag);
  // Not until all is quiet: what is cached is to stay in the cache.
  while (find() === undefined) at.world.run({ untilEvent: at.world.eventCount + 1 });
  const answer = find()!;
  return { ok: answer.ok, code: answer.code, value: (answer.value as { value?: never }).value };
}

type Update = {
  state: string;
  items: { vvol: string; ok: boolean; code: string }[];
  copiedSectors: number;
};

export function task(at: Rig, verb: string, body: object): Update & { code: string } {
  const started = call(at, `vasa-${verb}`, body);
  if (!started.ok) return { state: "refused", items: [], copiedSectors: 0, code: started.code };
  let told = call(at, "vasa-task", started.value as never);
  let untilNs = at.world.timeNs;
  const isRunning = () => (told.value as Update | undefined)?.state === "running";
  for (let asked = 0; asked < 200 && isRunning(); asked++) {
    at.world.run({ untilNs: (untilNs += 100_000) });
    told = call(at, "vasa-task", started.value as never);
  }
  const none: Update = { state: "no-task", items: [], copiedSectors: 0 };
  return { ...((told.value as Update | undefined) ?? none), code: told.code };
}

export function snapshot(at: Rig, base = "base"): string {
  const bases = [{ base, holders: ["intent:test"] }];
  const [prepared] = task(at, "prepare", { bases }).items;
  task(at, "snapshot", { snapshots: [prepared!.vvol], timeoutNs: 1e9 });
  return prepared!.vvol;
}

export function write(at: Rig, sector: number, sectors: number, stamp: number, volume = "base") {
  const number = ++at.tag;
  const request =
    stamp < 0
      ? { op: "discard", sector, sectors }
      : { op: "write", sector, sectors, runs: [stampRun(stamp, sectors)] };
  const sent = { sender: "s", session: 0, number, oldest: number, owner: "s" };
  return call(at, "volume-io", { volume, request, ...sent });
}

export const violations = (at: Rig): string[] =>
  at.world.checker.violations.map(({ invariant, message }) => `${invariant}: ${message}`);
