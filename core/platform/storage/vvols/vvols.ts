/**
 * The copy-on-write side of a storage array: an entity `ARRAY/vvols` beside it, and the verbs of
 * VASA 2.0 that hosts ask the array for. Bases are volumes of the array and take block requests like
 * any other; snapshots are read once they are bound.
 *
 * Verbs (all through the array's queue): `vasa-create`, `vasa-clone`, `vasa-hold`, `vasa-release` and
 * `vasa-release-holder` (the last holder deletes; these three refuse with "version-conflict" when a
 * `given` file has changed), `vasa-bind` (idempotent for the host that has it), `vasa-unbind`, `vasa-unbind-host`
 * (all that a host left, also a lost one), `vasa-query`, `vasa-allocated`, `vasa-unshared`,
 * `vasa-unshared-chunks`; as tasks `vasa-prepare`, `vasa-snapshot`, `vasa-revert`,
 * `vasa-copy-diffs`, `vasa-split`, asked after with `vasa-task`.
 */
import { assert, component, type Plain, type Request } from "../../../kernel/index.ts";
import type { ArrayEntity } from "../array-state.ts";
import { type BlockOutcome, DONE, refused } from "../block.ts";
import { changedPremise, currentVersion, type FileVersion } from "../metadata-files.ts";
import { allocatedChunks, rootOf, unsharedRanges } from "./differences.ts";
import {
  addBase,
  cloneSnapshot,
  createBase,
  type Hold,
  holdersOf,
  holdVvols,
  releaseHolder,
  releaseVvols,
} from "./hierarchy.ts";
import { startTask, stepTask, TASK_VERBS, taskUpdate } from "./tasks.ts";
import { baseOf, vvolSectors } from "./vvol-content.ts";
import {
  arrayOf,
  type VasaFaults,
  type VvolsConfig,
  type VvolsDurable,
  type VvolsEntity,
  vvolsName,
  vvolsOf,
  type VvolsVolatile,
} from "./vvol-state.ts";

export type VvolInfo = {
  readonly vvol: string;
  readonly base: string;
  readonly state: "base" | "prepared" | "taken";
  readonly sectors: number;
  readonly holders: readonly string[];
  /** Snapshot that a clone shares chunks with. */
  readonly origin?: string;
};

/** Two vvols of one family. */
type Pair = { readonly vvol: string; readonly since: string };

export type ArmVasaFault = { readonly kind: keyof VasaFaults; readonly count: number };

const NO_FAULTS: VasaFaults = { lostTasks: 0, lateTasks: 0, failedItems: 0, tornCopies: 0 };

const vvols = component<VvolsConfig, VvolsDurable, VvolsVolatile>({
  kind: "vvols",
  durable: () => ({ serial: 0, bases: {}, snapshots: {}, bindings: {}, armed: NO_FAULTS }),
  volatile: () => ({ nextTask: 1, tasks: {} }),
  handlers: {
    step: (self, id: string) => stepTask(self, id),
    "arm-vasa-fault": (self, request: Request<ArmVasaFault>) => {
      const { kind, count } = request.body;
      self.editDurable().armed[kind] += count;
      self.reply(request, {});
    },
  },
});

/** Gives an array its copy-on-write side. Part of building. */
export function spawnVvols(
  array: ArrayEntity,
  options: { readonly chunkSectors: number; readonly metadataNs?: number },
): VvolsEntity {
  const { chunkSectors, metadataNs = 500_000 } = options;
  const { grainSectors } = array.config;
  assert(chunkSectors % grainSectors === 0, () => `chunk ${chunkSectors}, grain ${grainSectors}`);
  const config: VvolsConfig = { array: array.id, chunkSectors, metadataNs };
  return array.world.spawn(vvols, config, {
    creator: array as never,
    name: vvolsName(array.name),
  });
}

/** Makes a base at once, at build. */
export function addVvol(
  array: ArrayEntity,
  name: string,
  sectors: number,
  holders: readonly string[],
): void {
  const self = vvolsOf(array);
  assert(self, () => `${array.name} has no copy-on-write volumes`);
  const { chunkSectors } = self.config;
  const outcome = addBase(self, name, sectors, holders, chunkSectors);
  assert(outcome.ok, () => `${array.name} has volume ${name} already`);
}

/** Only while a file is as it was: what a settled intent was to hold is neither made nor let go. */
type Given = { readonly given?: FileVersion };

function superseded(self: VvolsEntity, { given }: Given): BlockOutcome | undefined {
  if (given === undefined) return undefined;
  const isAsItWas = currentVersion(arrayOf(self), given.name) === given.version;
  return isAsItWas ? undefined : refused("superseded", given.name);
}

type Verb = (self: VvolsEntity, body: never) => BlockOutcome;

const SYNCHRONOUS: { readonly [verb: string]: Verb } = {
  create: (self, body: Given & { label: string; sectors: number; holder: string }) =>
    superseded(self, body) ?? createBase(self, body.label, body.sectors, body.holder),
  clone: (self, body: Given & { snapshot: string; label: string; holder: string }) =>
    superseded(self, body) ?? cloneSnapshot(self, body.snapshot, body.label, body.holder),
  hold: (self, { holds, under, given }: Given & { holds: readonly Hold[]; under?: string }) =>
    changedPremise(arrayOf(self), given) ?? holdVvols(self, holds, under),
  release: (self, { holds, given }: Given & { holds: readonly Hold[] }) =>
    changedPremise(arrayOf(self), given) ?? releaseVvols(self, holds),
  "release-holder": (self, { holder, given }: Given & { holder: string }) =>
    changedPremise(arrayOf(self), given) ?? releaseHolder(self, holder),
  bind: (self, { vvol, host }: { vvol: string; host: string }) => bind(self, vvol, host),
  unbind: (self, { vvol, host }: { vvol: string; host?: string }) =>
    unbind(self, (each, by) => each === vvol && (host === undefined || by === host)),
  "unbind-host": (self, { host }: { host: string }) => unbind(self, (_, by) => by === host),
  query: (self) => ({ ok: true, value: { vvols: listVvols(self) as unknown as Plain } }),
  task: (self, { task }: { task: string }) => taskUpdate(self, task),
  allocated: (self, { vvol }: { vvol: string }) => allocated(self, vvol),
  unshared: (self, pair: Pair) => unshared(self, pair, "unshared-ranges"),
  "unshared-chunks": (self, pair: Pair) => unshared(self, pair, "unshared-chunks"),
};

const prefixed = (verbs: { readonly [verb: string]: Verb }) =>
  Object.entries(verbs).map(([verb, run]) => {
    const onArray = (array: ArrayEntity, body: never): BlockOutcome => {
      const self = vvolsOf(array);
      return self === undefined ? refused("not-supported", verb) : run(self, body);
    };
    return [`vasa-${verb}`, onArray] as const;
  });

const asTask =
  (verb: string): Verb =>
  (self, body) =>
    startTask(self, verb, body);

/** For the array's table of verbs. */
export const VASA_VERBS: {
  readonly [verb: string]: (array: ArrayEntity, body: never) => BlockOutcome;
} = Object.fromEntries([
  ...prefixed(SYNCHRONOUS),
  ...prefixed(Object.fromEntries(Object.keys(TASK_VERBS).map((verb) => [verb, asTask(verb)]))),
]);

function bind(self: VvolsEntity, vvol: string, host: string): BlockOutcome {
  if (holdersOf(self, vvol) === undefined) return refused("gone", vvol);
  const bound = self.durable.bindings[vvol];
  if (bound !== undefined && bound !== host) return refused("bound", bound);
  if (bound === host) return DONE;
  self.editDurable().bindings[vvol] = host;
  self.durableStep(`bind vvol ${vvol}`);
  return DONE;
}

/** What is not bound is no error. */
function unbind(self: VvolsEntity, goes: (vvol: string, host: string) => boolean): BlockOutcome {
  const gone = Object.entries(self.durable.bindings).filter(([vvol, host]) => goes(vvol, host));
  if (gone.length === 0) return DONE;
  const { bindings } = self.editDurable();
  for (const [vvol] of gone) delete bindings[vvol];
  self.durableStep(`unbind ${gone.length} vvols`);
  return DONE;
}

/** All vvols of the array. */
export function listVvols(self: VvolsEntity): readonly VvolInfo[] {
  const { bases, snapshots } = self.durable;
  return [
    ...Object.entries(bases).map(([vvol, { holders, origin }]): VvolInfo => {
      const sectors = vvolSectors(self, vvol);
      const info: VvolInfo = { vvol, base: vvol, state: "base", sectors, holders };
      return origin === undefined ? info : { ...info, origin };
    }),
    ...Object.entries(snapshots).map(([vvol, { base, state, sectors, holders }]): VvolInfo => {
      return { vvol, base, state, sectors, holders };
    }),
  ];
}

function allocated(self: VvolsEntity, vvol: string): BlockOutcome {
  if (holdersOf(self, vvol) === undefined) return refused("gone", vvol);
  const ranges = allocatedChunks(self, vvol);
  self.notice("vvol-bitmap", { vvol, since: null, ranges: ranges as unknown as Plain });
  return { ok: true, value: { ranges: ranges as unknown as Plain } };
}

function unshared(self: VvolsEntity, { vvol, since }: Pair, as: string): BlockOutcome {
  const both = [vvol, since];
  if (both.some((each) => holdersOf(self, each) === undefined)) return refused("gone", both);
  if (rootOf(self, vvol) !== rootOf(self, since)) return refused("unrelated", both);
  const ranges = unsharedRanges(self, vvol, since);
  self.notice("vvol-bitmap", { vvol, since, ranges: ranges as unknown as Plain });
  const { chunkSectors } = self.durable.bases[baseOf(self, vvol)]!;
  const sectors = ranges.reduce((sum, range) => sum + range.sectors, 0);
  if (as === "unshared-chunks") {
    return { ok: true, value: { chunks: Math.ceil(sectors / chunkSectors), chunkSectors } };
  }
  return { ok: true, value: { chunkSectors, ranges: ranges as unknown as Plain } };
}
