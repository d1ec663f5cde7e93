/**
 * Brings a VM that is off back to a checkpoint: it goes on where it was, and does not start. With disks
 * those are put back to the point in time of the same instant first; after a suspend they are as they
 * were. A checkpoint that leaves out a disk on which its machine went on is refused: memory of then
 * does not fit the disk of now.
 *
 * Must hold: nothing is changed before the file was found whole and of this machine, and what is found
 * wrong later stops the VM; a suspended VM's checkpoint goes once all of it is in memory.
 */
import {
  ask,
  type ContentRun,
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
} from "../../kernel/index.ts";
import {
  askDevice,
  askInstance,
  powerOn,
  type PowerOnParams,
  revertRedo,
  type Unopened,
} from "../../disks/index.ts";
import { type HostEntity, reserveMemory, spawnInitiator } from "../../platform/index.ts";
import {
  leftAs,
  livesOf,
  memoryOf,
  noteResumption,
  powerOn as beginRun,
  type Prefetch,
  type RunImage,
  type VmEntity,
  type VmRecord,
} from "../../vmm/index.ts";
import { type Catalog, type CheckpointEntry, entryOf, usable } from "../catalog.ts";
import {
  type Base,
  checkBase,
  checkHead,
  DATA_SECTOR,
  decodeOpening,
  decodeTail,
  type Head,
  tailSectors,
} from "../file/layout.ts";
import type { FileProblem } from "../file/problem.ts";
import { machineIdentity } from "../machine-identity.ts";
import { commitOf, plainCommit } from "../save/checkpoint-params.ts";
import { stateOfBytes, type WorkingSet } from "../saved-state.ts";
import { settleCheckpoints } from "../settle.ts";
import { forgetCheckpoint } from "./forget.ts";
import { combine, type Layer } from "./layers.ts";
import { stalledUntilNs } from "./responsiveness.ts";
import { restorer } from "./restorer.ts";
import {
  type Restorer,
  RESTORE_CLIENT,
  RESTORE_COSTS,
  type RestoreMethod,
} from "./restorer-state.ts";

export type RestoreParams = {
  readonly vm: string;
  readonly record: EntityId;
  /** Array that keeps the checkpoints, and the paths to it. */
  readonly array: EntityId;
  readonly paths: readonly EntityId[];
  /** null: the last one. */
  readonly checkpoint: string | null;
  readonly method: RestoreMethod;
  readonly readsAtOnce: number;
  /** How its disks are opened here. */
  readonly powerOn: PowerOnParams;
  /** Its disks as of when it was off: they are not put back once a host has opened them since. */
  readonly closed: Unopened;
  readonly prefetch?: Prefetch;
  readonly careless?:
    "overwritesDirty" | "devicesGoOn" | "zeroFills" | "lies" | "clearsFlagFirst" | "keepsReference";
};

type RestoreState = {
  /** Of its machine when this began. */
  lives: number;
  catalog: Catalog | null;
  entry: CheckpointEntry | null;
  /** File that is being opened. */
  device: EntityId;
  head: Head | null;
  commit: Plain;
  /** Files that have been opened, the newest first. */
  layers: Layer[];
  image: PlainObject | null;
  workingSet: WorkingSet | null;
  instance: EntityId;
  restorer: EntityId;
  startedNs: number;
  resumedNs: number;
  /** Since then it works as it used to (responsiveness.ts). */
  respondedNs: number;
  allThereNs: number;
  figures: PlainObject;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<RestoreParams & PlainObject, RestoreState & PlainObject>;
/** A run that has just gone does not answer. */
const POWER_OFF_NS = 1_000_000;

type Read = { readonly runs: readonly ContentRun[] };

export const restoreCheckpoint = operation<RestoreParams & PlainObject, RestoreState & PlainObject>(
  "restore-checkpoint",
  {
    begin(host, op: Op) {
      op.edit().startedNs = host.simulatedNs;
      const { vm, array } = op.params;
      const record = recordIn(host, op);
      if (record.durable.power === "on") return fail("vm-on", vm);
      op.edit().lives = livesOf(record);
      return perform(settleCheckpoints, { vm, array }, "open");
    },

    open(host, op: Op, { catalog }: { catalog: Catalog }) {
      const { checkpoint } = op.params;
      const entry = checkpoint === null ? usable(catalog).at(-1) : entryOf(catalog, checkpoint);
      if (entry === undefined) return fail("no-checkpoint", checkpoint);
      const record = recordIn(host, op);
      if (entry.isSpent === true || hasGoneOn(record, entry)) return spent(entry);
      const leftOut = disksLeftOut(record, entry);
      if (leftOut.length > 0) return fail("disks-not-saved", leftOut);
      const state = op.edit();
      state.catalog = catalog as never;
      state.entry = entry as never;
      return openFile(host, op, entry);
    },

    unreadable: (_host, op: Op, { code, detail }: Refusal) =>
      code === "out-of-range"
        ? wrong(op, { code: "truncated", message: "the file ends too early" })
        : fail(code, detail),

    readOpening(host, op: Op, { runs }: Read) {
      const opened = decodeOpening(runs);
      if (!opened.ok) return wrong(op, opened.problem);
      const { spec } = recordIn(host, op).config;
      const above = op.state.layers.at(-1)?.head as Head | undefined;
      const expected = { vm: spec.vm, machine: machineIdentity(spec) };
      const ours =
        above === undefined
          ? checkHead(opened.value.head, expected)
          : checkBase(opened.value, above);
      if (!ours.ok) return wrong(op, ours.problem);
      const state = op.edit();
      state.head = opened.value.head as never;
      state.commit = plainCommit(opened.value.commit) as never;
      const { commit } = opened.value;
      return read(op, commit.tailSector, tailSectors(commit), "readTail");
    },

    readTail(host, op: Op, { runs }: Read) {
      const head = op.state.head!;
      const tail = decodeTail({ head, commit: commitOf(op.state.commit) }, runs);
      if (!tail.ok) return wrong(op, tail.problem);
      const state = op.edit();
      if (op.state.layers.length === 0) {
        const saved = stateOfBytes(tail.value.state, head.pages);
        if (!saved.ok) return wrong(op, saved.problem);
        state.image = saved.value.image as never;
        state.workingSet = saved.value.workingSet as never;
      }
      const storage = tail.value.maps.storageBlocks.map(({ checksum, ...rest }) => ({
        ...rest,
        checksum: checksum.toString(),
      }));
      state.layers.push({ device: op.state.device, head, storage } as never);
      return head.base === null ? go("revertDisks") : openBase(host, op, head.base);
    },

    /** The first thing that changes anything. */
    revertDisks(_host, op: Op) {
      const { disks, checkpoint: pointInTime } = op.state.entry!;
      if (disks.length === 0) return go("prepare");
      const { vm, closed, powerOn: opening } = op.params;
      return perform(revertRedo, { vm, array: opening.array, pointInTime, closed }, "prepare");
    },

    /** The run is there, without disks, and memory that is empty so far. */
    prepare(host, op: Op) {
      const { world } = host;
      const { vm, powerOn: opening, method, readsAtOnce, careless = null } = op.params;
      const { prefetch } = op.params;
      const overtaken = overtakenBy(recordIn(host, op), op);
      if (overtaken !== undefined) return overtaken;
      if (!reserveMemory(host as unknown as HostEntity, vm, opening.memoryMiB)) {
        return fail("no-memory", opening.memoryMiB);
      }
      const place = { domain: host.domain, cpu: opening.cpu };
      const image = op.state.image as unknown as RunImage;
      const run = beginRun(recordIn(host, op), { ...place, image });
      if (run === undefined) return fail("already-on", vm);
      const memory = memoryOf(run, true);
      const layers = op.state.layers as readonly Layer[];
      const { pages, checkpoint: id } = layers[0]!.head;
      const { unitPages: blockPages, storage } = combine(layers);
      const config = {
        checkpoint: id,
        name: vm,
        vm: run.id,
        memory: memory.id,
        client: RESTORE_CLIENT,
        method,
        pages,
        blockPages,
        readsAtOnce,
        costs: RESTORE_COSTS,
        careless,
        ...(prefetch && { prefetch }),
      };
      const made = world.spawn(restorer, config, { creator: run as never, label: "restore" });
      const state = op.edit();
      state.instance = run.id;
      state.restorer = made.id;
      const { device } = layers[0]!;
      const file = { device, storage, workingSet: op.state.workingSet };
      return ask(made.id, "open", file as unknown as Plain, "makeReady");
    },

    makeReady: (_host, op: Op) =>
      ask(op.state.restorer, "ready", {}, "openDisks", { otherwise: "giveUp" }),

    openDisks(_host, op: Op) {
      const { instance } = op.state;
      const params = { ...op.params.powerOn, instance, seizes: false };
      return perform(powerOn, params as unknown as PlainObject, "letGo", "giveUp");
    },

    letGo(host, op: Op) {
      noteResumption(recordIn(host, op));
      return askInstance(op.state.instance, "unstun", "goesOn", "giveUp");
    },

    goesOn(host, op: Op) {
      op.edit().resumedNs = host.simulatedNs;
      return ask(op.state.restorer, "end", {}, "allThere", { otherwise: "giveUp" });
    },

    /** A suspended machine goes on once; a second time its disks would be others. */
    allThere(host, op: Op, figures: PlainObject) {
      const made = host.world.entityOrNone(op.state.restorer) as Restorer | undefined;
      const state = op.edit();
      state.figures = figures as never;
      state.respondedNs = made === undefined ? 0 : stalledUntilNs(made);
      if (made !== undefined) host.world.removeTree(made as unknown as Entity);
      state.allThereNs = host.simulatedNs;
      const { checkpoint, volume, isSuspend } = op.state.entry!;
      // Its machine was moved, and the other host goes on with it.
      const isLeft = figures["leftPages"] !== undefined;
      if (!isSuspend || isLeft) return go("report");
      const { vm, array } = op.params;
      return perform(forgetCheckpoint, { vm, array, checkpoint, volume }, "report", "report");
    },

    report(host, op: Op) {
      const { startedNs, resumedNs, respondedNs, allThereNs, figures } = op.state;
      const { stage } = (host.world.entityOrNone(op.state.instance) as VmEntity | undefined)
        ?.volatile ?? { stage: "ended" };
      return done({
        ...figures,
        resumedAfterNs: resumedNs - startedNs,
        respondsAfterNs: Math.max(resumedNs, respondedNs) - startedNs,
        allThereAfterNs: allThereNs - startedNs,
        runs: stage === "running",
      });
    },

    /** It cannot go on without its memory or its disks: it is off, and its checkpoint stands. */
    giveUp(host, op: Op, why: Refusal) {
      const made = host.world.entityOrNone(op.state.restorer) as Restorer | undefined;
      // What went wrong with the memory ended the run, and that is what everybody else noticed.
      const code = made?.volatile.failure || why.code;
      op.edit().failure = { code, detail: why.detail } as never;
      if (made !== undefined) host.world.removeTree(made as unknown as Entity);
      const run = host.world.entityOrNone(op.state.instance) as VmEntity | undefined;
      if (run === undefined || run.volatile.stage === "ended") return go("failed");
      const extras = { otherwise: "failed", timeoutNs: POWER_OFF_NS };
      return ask(run.id, "power-off", {}, "failed", extras);
    },

    failed(_host, op: Op) {
      const { code, detail } = op.state.failure!;
      return fail(code, detail as Plain);
    },
  },
  () => ({
    lives: 0,
    catalog: null,
    entry: null,
    device: -1,
    head: null,
    commit: null,
    layers: [],
    image: null,
    workingSet: null,
    instance: -1,
    restorer: -1,
    startedNs: 0,
    resumedNs: 0,
    respondedNs: 0,
    allThereNs: 0,
    figures: {},
    failure: null,
  }),
);

const recordIn = (host: Entity, op: Op): VmRecord =>
  host.world.entity(op.params.record) as unknown as VmRecord;

/** Disks on which the machine went on after the checkpoint, and which are not put back with it. */
const disksLeftOut = ({ config }: VmRecord, { isSuspend, disks }: CheckpointEntry): string[] =>
  isSuspend ? [] : config.spec.disks.map(({ id }) => id).filter((id) => !disks.includes(id));

/** From a suspend, or otherwise: the disks of its machine are others than those that it left. */
const hasGoneOn = (record: VmRecord, { leftAs: left }: CheckpointEntry): boolean =>
  left !== undefined && left !== leftAs(record);

const spent = ({ checkpoint }: CheckpointEntry): Step =>
  fail("spent", `its machine has gone on since ${checkpoint}, or its disks were replaced`);

/** Somebody else has started its machine meanwhile, which is on, or has ended since. */
function overtakenBy(record: VmRecord, { params: { vm }, state }: Op): Step | undefined {
  if (record.durable.power === "on") return fail("already-on", vm);
  if (hasGoneOn(record, state.entry!)) return spent(state.entry!);
  return livesOf(record) === state.lives ? undefined : fail("vm-starting", vm);
}

/** Opens a file of the checkpoint: its own one, or one that it stands on. */
function openFile(host: Entity, op: Op, { volume }: CheckpointEntry): Step {
  const { array, paths } = op.params;
  const options = { array, volume, paths, owner: host.name };
  op.edit().device = spawnInitiator(host.world, op.entity as unknown as Entity, options).id;
  return read(op, 0, DATA_SECTOR, "readOpening");
}

function openBase(host: Entity, op: Op, { checkpoint }: Base): Step {
  const entry = entryOf(op.state.catalog!, checkpoint);
  const isKnown = op.state.layers.some(({ head }) => head.checkpoint === checkpoint);
  if (entry !== undefined && !isKnown) return openFile(host, op, entry);
  return fail("wrong-base", `${checkpoint}, which it stands on, is no checkpoint`);
}

/** One clear error; of a file below it says which. */
function wrong(op: Op, { code, message }: FileProblem): Step {
  const below = (op.state.layers.at(-1)?.head as Head | undefined)?.base?.checkpoint;
  return fail(code, below === undefined ? message : `${below}, which it stands on: ${message}`);
}

/** Past its end a file reads as too short. */
function read(op: Op, sector: number, sectors: number, next: string): Step {
  return { ...askDevice(op.state.device, { op: "read", sector, sectors }, "unreadable"), next };
}
