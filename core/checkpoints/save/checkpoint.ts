/**
 * Checkpoint of a running VM: its memory and devices, and with `disks` a point in time of its disks, all
 * of one instant. With `suspends` it goes off once the checkpoint counts.
 *
 * Order is everything. The intent is durable before anything is made; all of the file is flushed before
 * its commit record, and that before the catalog names it, which is the one moment from which it
 * counts; only then go older ones, and the intent last. Until that moment the checkpoint before is the
 * valid one. Whatever goes wrong before it, the VM goes on as if nothing had been.
 */
import {
  ask,
  type ContentRun,
  done,
  type Entity,
  fail,
  go,
  operation,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
  together,
  lookAgain,
  wait,
} from "../../kernel/index.ts";
import {
  askArray,
  askDevice,
  askInstance,
  DRAIN_POLL_NS,
  isDrained,
  snapshot,
  surelyWrite,
  type Written,
} from "../../disks/index.ts";
import { spawnInitiator } from "../../platform/index.ts";
import { claimStop, leftAs, memoryOf, type VmRecord } from "../../vmm/index.ts";
import {
  type Catalog,
  catalogFile,
  type CheckpointEntry,
  checkpointVolume,
  entryOf,
  withCheckpoint,
} from "../catalog.ts";
import { giveUp } from "../give-up.ts";
import { closeIntent, dropVolume, makeVolume, openIntent } from "../intent.ts";
import { bytesRun } from "../file/bytes.ts";
import { COMMIT_SECTOR, DATA_SECTOR, encodeCommit } from "../file/layout.ts";
import { isForgetting } from "../restore/forget.ts";
import { settleCheckpoints } from "../settle.ts";
import {
  buffersOf,
  missingBase,
  noBase,
  openBase,
  standOn,
  standOnNothing,
  stopNoting,
} from "./base.ts";
import {
  type CheckpointOp,
  type CheckpointParams,
  type CheckpointState,
  commitOf,
  initialCheckpoint,
  plainCommit,
} from "./checkpoint-params.ts";
import { headBytes, tailOf } from "./checkpoint-file.ts";
import { closeSaver, flush, saverIn, vmIn, write } from "./checkpoint-parts.ts";
import { awaitAbsent, awaitedOwner } from "./residual.ts";
import { isSaved, saver } from "./saver.ts";
import { SAVE_COSTS } from "./saver-state.ts";

/** One checkpoint of a memory is made at a time. */
const CLIENT = "checkpoint";
const FORGETS_NS = 5_000_000;

type Op = CheckpointOp;
/** A run that has just gone does not answer. */
const POWER_OFF_NS = 1_000_000;

export const checkpoint = operation<CheckpointParams & PlainObject, CheckpointState & PlainObject>(
  "checkpoint",
  {
    begin(host, op: Op) {
      op.edit().startedNs = host.simulatedNs;
      const { vm, array } = op.params;
      return perform(settleCheckpoints, { vm, array }, "awaitPages", "notSettled");
    },

    /** Whoever takes a checkpoint out that was gone on from is soon through. */
    notSettled: (host, op: Op, { code, detail }: Refusal) =>
      code === "busy" && isForgetting(host, op.params.vm)
        ? wait(FORGETS_NS, "begin")
        : fail(code, detail),

    awaitPages(host, op: Op, found: { catalog: Catalog; version: number }) {
      const state = op.edit();
      state.catalog = found.catalog as never;
      state.catalogVersion = found.version;
      return awaitAbsent(host, op, "openIntent");
    },

    openIntent(_host, op: Op) {
      const { vm, array, checkpoint } = op.params;
      if (entryOf(op.state.catalog!, checkpoint) !== undefined) {
        return fail("checkpoint-exists", checkpoint);
      }
      if (missingBase(op)) return noBase(op);
      const { name: operation } = op.entity;
      const volume = checkpointVolume(vm, checkpoint);
      const intent = { kind: "checkpoint", operation, vm, checkpoint, volume } as const;
      return openIntent(array, intent, "createVolume", "refuse");
    },

    refuse: (host, op: Op, why: Refusal) =>
      why.code === "version-conflict"
        ? isForgetting(host, op.params.vm)
          ? wait(FORGETS_NS, "begin")
          : fail("busy", why.detail)
        : fail(why.code, why.detail),

    cannotCome: (_host, _op: Op, { code, detail }: Refusal) => fail(code, detail),

    createVolume(host, op: Op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      const vm = vmIn(host, op);
      if (vm === undefined) return giveUp("vm-off")(op);
      // Nothing compresses, and each group has an index as long as can be.
      const { memoryPages } = vm.config.spec;
      const sectors = DATA_SECTOR + memoryPages * 9 + 64;
      op.edit().volumeSectors = sectors;
      const name = checkpointVolume(op.params.vm, op.params.checkpoint);
      return makeVolume(op, { name, sectors }, "lookAtBase");
    },

    lookAtBase(host, op: Op) {
      const vm = vmIn(host, op);
      return vm === undefined ? giveUp("vm-off")(op) : openBase(host, op, vm);
    },

    standOn(_host, op: Op, { runs }: { runs: readonly ContentRun[] }) {
      standOn(op, runs);
      return go("prepare");
    },

    prepare(host, op: Op) {
      const vm = vmIn(host, op);
      if (vm === undefined) return giveUp("vm-off")(op);
      // What it was to stand on is not there, or cannot be read.
      const owner = awaitedOwner(memoryOf(vm), op.state.base !== undefined);
      if (owner >= 0 && host.world.entityOrNone(owner) === undefined) {
        return giveUp("pages-absent")(op);
      }
      if (owner >= 0) return ask(owner, "hurry", {}, "prepare", { otherwise: "giveUp" });
      // The intent keeps others out that go to the same array, and no more.
      if (isSaved(vm)) return giveUp("busy")(op);
      const { checkpoint: id, array, paths, method, careless = null } = op.params;
      const { workingSet, traceNs = 0 } = op.params;
      const { base, isResidual } = op.state;
      const notes = op.params.notes === true || op.params.base !== undefined;
      const made = host.world.spawn(
        saver,
        {
          vm: vm.id,
          memory: memoryOf(vm).id,
          client: CLIENT,
          checkpoint: id,
          name: op.params.vm,
          method,
          pages: vm.config.spec.memoryPages,
          ...buffersOf(op),
          costs: SAVE_COSTS,
          careless: careless === "commitsFirst" ? null : careless,
          ...(base && { [isResidual === true ? "residual" : "since"]: base.checkpoint }),
          ...(notes && { notes }),
          ...(workingSet && { workingSet, traceNs }),
        },
        { creator: host, label: `save-${id}` },
      );
      op.edit().saver = made.id;
      const volume = checkpointVolume(op.params.vm, id);
      const options = { array, volume, paths, owner: host.name };
      const device = spawnInitiator(host.world, made as unknown as Entity, options);
      return ask(made.id, "open", { device: device.id }, "writeHead");
    },

    writeHead(host, op: Op) {
      const head = [bytesRun(headBytes(host, op))];
      const { careless, workingSet } = op.params;
      const next = workingSet === undefined ? "freeze" : "background";
      return write(host, op, 0, head, careless === "commitsFirst" ? "early" : next);
    },

    /** For a test: what commits before its content. */
    early: (host, op: Op) =>
      write(host, op, COMMIT_SECTOR, [bytesRun(new Uint8Array(512).fill(1))], "earlyCatalog"),

    earlyCatalog: (host, op: Op) => enterInCatalog(host, op, "freeze"),

    /** What can be saved while the machine runs. */
    background: (_host, op: Op) =>
      ask(op.state.saver, "background", {}, "freeze", { otherwise: "giveUp" }),

    /** With disks the snapshot stuns, drains and flushes, and asks for the instant in between. */
    freeze(host, op: Op) {
      const { vm, instance, disks, disksArray, checkpoint: pointInTime, suspends } = op.params;
      if (suspends) {
        const run = vmIn(host, op);
        if (run === undefined) return giveUp("vm-off")(op);
        const moving = claimStop(run, op.entity.id);
        if (moving !== undefined) return giveUp("busy", moving)(op);
      }
      op.edit().stunnedAtNs = host.simulatedNs;
      if (disks.length === 0 || suspends) {
        return askInstance(instance, "stun", "drain", "giveUp");
      }
      const atInstant = { to: op.state.saver, verb: "instant", body: {} };
      const params = { vm, instance, array: disksArray, disks, pointInTime, atInstant };
      return perform(snapshot, params as unknown as PlainObject, "goesOn", "giveUp");
    },

    /** What the guest sent before is on its way still; the answers are held, and part of the instant. */
    drain(host, op: Op) {
      if (vmIn(host, op) === undefined) return giveUp("vm-off")(op);
      if (!op.state.isStunned) op.edit().isStunned = true;
      const open = op.params.drains.map((disk) => host.world.entityOrNone(disk));
      const isQuiet = open.every((disk) => disk === undefined || isDrained(disk as never));
      if (!isQuiet) return lookAgain(DRAIN_POLL_NS, "drain");
      if (!op.params.suspends) return go("instant");
      // Its host's caches go with it: what the guest was told is written must be.
      const flushes = op.params.drains.map((disk) => askDevice(disk, { op: "flush" }, ""));
      return together(flushes, "instant", "giveUpStunned");
    },

    instant: (_host, op: Op) =>
      ask(op.state.saver, "instant", {}, "passInstant", { otherwise: "giveUpStunned" }),

    passInstant: (_host, op: Op) => (op.params.suspends ? go("awaitEnd") : unstun(op, "goesOn")),

    goesOn(host, op: Op) {
      op.edit().stunNs = host.simulatedNs - op.state.stunnedAtNs;
      return go("awaitEnd");
    },

    awaitEnd: (_host, op: Op) =>
      ask(op.state.saver, "end", {}, "fitVolume", { otherwise: "giveUp" }),

    /** Device state and maps were not known before. */
    fitVolume(host, op: Op, end: { nextSector: number; figures: PlainObject }) {
      const { base, isResidual } = op.state;
      const isWhole =
        base !== undefined && isResidual === true && end.figures["residualPages"] === undefined;
      if (isWhole) standOnNothing(op);
      const { commit, bytes } = tailOf(host, op, saverIn(host, op)!, end.nextSector);
      const state = op.edit();
      state.figures = end.figures as never;
      state.commit = plainCommit(commit) as never;
      state.fileSectors = end.nextSector + bytes.length / 512;
      const name = checkpointVolume(op.params.vm, op.params.checkpoint);
      const body = { name, sectors: state.fileSectors };
      const next = isWhole ? "writeHeadAgain" : "writeTail";
      return askArray(op.params.array, "resize-volume", body, next, "giveUp");
    },

    /** All pages had come by the instant: it stands on nothing. */
    writeHeadAgain: (host, op: Op) =>
      write(host, op, 0, [bytesRun(headBytes(host, op))], "writeTail"),

    writeTail(host, op: Op) {
      const { tailSector } = commitOf(op.state.commit);
      const made = saverIn(host, op)!;
      const { bytes } = tailOf(host, op, made, tailSector);
      return write(host, op, tailSector, [bytesRun(bytes)], "flush");
    },

    flush: (host, op: Op) => flush(host, op, "writeCommit"),

    writeCommit: (host, op: Op) =>
      write(
        host,
        op,
        COMMIT_SECTOR,
        [bytesRun(encodeCommit(commitOf(op.state.commit)))],
        "flushCommit",
      ),

    flushCommit: (host, op: Op) => flush(host, op, "enter"),

    enter: (host, op: Op) =>
      op.params.careless === "commitsFirst" ? go("counts") : enterInCatalog(host, op, "entered"),

    entered: (_host, _op: Op, { written }: Written & PlainObject) =>
      written ? go("counts") : giveUp("not-committed")(_op),

    /** From here on it stands, whatever comes. */
    counts(host, op: Op) {
      const { suspends, instance } = op.params;
      closeSaver(host, op);
      if (!suspends) return go("dropOlder");
      const extras = { otherwise: "isOff", timeoutNs: POWER_OFF_NS };
      return ask(instance, "power-off", {}, "isOff", extras);
    },

    isOff(host, op: Op) {
      op.edit().stunNs = host.simulatedNs - op.state.stunnedAtNs;
      return go("dropOlder");
    },

    dropOlder(host, op: Op) {
      const gone = op.state.dropped.map(({ checkpoint: id }) => id);
      stopNoting(vmIn(host, op), gone);
      const drops = op.state.dropped.map(({ volume }) => dropVolume(op, volume));
      return together(drops, "closeIntent", "left");
    },

    closeIntent: (_host, op: Op) => closeIntent(op, "report", "left"),

    /** The array does not answer: what is left over goes with the next checkpoint, or power-on. */
    left: () => go("report"),

    report(host, op: Op) {
      const { stunNs, startedNs, fileSectors, figures, base } = op.state;
      const isFull = op.params.base === undefined ? {} : { isFull: base === undefined };
      const totalNs = host.simulatedNs - startedNs;
      return done({ ...figures, ...isFull, stunNs, totalNs, fileBytes: fileSectors * 512 });
    },

    giveUpStunned(host, op: Op, why: Refusal) {
      if (vmIn(host, op) === undefined) return giveUp("vm-off")(op);
      op.edit().failure ??= why as never;
      return unstun(op, "giveUp");
    },

    giveUp(host, op: Op, why: Refusal | null) {
      op.edit().failure ??= (why ?? { code: "failed", detail: null }) as never;
      const vm = vmIn(host, op);
      closeSaver(host, op);
      stopNoting(vm, [op.params.checkpoint]);
      return vm !== undefined && op.state.isStunned ? unstun(op, "undo", "undo") : go("undo");
    },

    undo(_host, op: Op) {
      const { vm, checkpoint: id } = op.params;
      return dropVolume(op, checkpointVolume(vm, id), "undone", "failed");
    },

    undone: (_host, op: Op) => closeIntent(op, "failed", "failed"),

    failed(_host, op: Op) {
      const { code, detail } = op.state.failure!;
      return fail(code, detail as Plain);
    },
  },
  initialCheckpoint,
);

/** The stun that it asked for itself; others have theirs. */
function unstun(op: Op, next: string, otherwise = "giveUp"): Step {
  op.edit().isStunned = false;
  return askInstance(op.params.instance, "unstun", next, otherwise);
}

/** One atomic write: before it the older checkpoint is valid, after it the new one. */
function enterInCatalog(host: Entity, op: Op, next: string): Step {
  const { vm, checkpoint: id, array, disks, suspends, replaces } = op.params;
  const { catalog, catalogVersion: version, fileSectors } = op.state;
  const entry: CheckpointEntry = {
    checkpoint: id,
    volume: checkpointVolume(vm, id),
    sectors: fileSectors,
    base: op.state.base?.checkpoint ?? null,
    disks: suspends ? [] : disks.map(({ disk }) => disk),
    isSuspend: suspends,
    ...(suspends && { leftAs: leftAs(host.world.entity(op.params.record) as unknown as VmRecord) }),
  };
  const after = withCheckpoint(catalog!, entry, replaces);
  op.edit().dropped = after.dropped as never;
  const params = { array, name: catalogFile(vm), value: after.catalog, before: catalog!, version };
  return perform(surelyWrite, params, next, "giveUp");
}
