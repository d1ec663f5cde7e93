/**
 * Moves a machine to another host while it runs: pre-copy in rounds, then a stop, the rest, and the
 * switch-over (Clark et al., NSDI 2005; stages pre-select, reserve, iterate, stop, commit, activate).
 *
 * Must hold: until `commit` any problem leaves the machine running here, its traces gone; `commit` is
 * one event of this host, after which it never runs here again, whatever is lost on the way. Disks
 * change hands after it, in new epochs; the outside world sees the machine move after that.
 */
import {
  ask,
  done,
  type Entity,
  fail,
  go,
  lookAgain,
  operation,
  type OperationComponent,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
  together,
  wait,
} from "../kernel/index.ts";
import { askDevice, keeperOf } from "../disks/index.ts";
import {
  claimStop,
  clientBitmap,
  departRun,
  leaveRun,
  imageOf,
  loseDisks,
  memoryOf,
  settleMemory,
  type VmEntity,
  type VmRecord,
} from "../vmm/index.ts";
import { AWAIT_NS, isAwaited } from "./awaited.ts";
import { moveOf } from "./cancel.ts";
import { end, giveUp, whileHere } from "./giving-up.ts";
import { diskPhases } from "./local-disks/copying.ts";
import { endMirrors, noteLeaving, tellMedia, tellMoved } from "./local-disks/mirrors.ts";
import {
  isStill,
  type MigrateState,
  type Op,
  ownedFiles,
  runOf,
  unwrittenDisks,
} from "./moving.ts";
import { beginPush, pushPhases } from "./post-copy/pushing.ts";
import {
  beginReferring,
  bytesOfReferences,
  filesFor,
  fixAbsent,
  leaveRestore,
  noteFiles,
  referred,
} from "./referring.ts";
import { beginRound, endRound, roundPhases } from "./rounds.ts";
import {
  agentOf,
  ANSWER_NS,
  CLIENT,
  type Far,
  MIGRATE,
  MIGRATION_NOTICE,
  type MigrateParams,
  type MigrationSettings,
  type Reservation,
} from "./settings.ts";

const AGAIN_NS = 100_000_000;
const DRAIN_POLL_NS = 50_000;
/** A request that was lost is waited for as long as a time-out: looked for less and less often. */
const DRAIN_PATIENCE = 64;
/** Device state beside memory: registers, queues, what is held. */
const IMAGE_BYTES = 16_384;

const lost = { timeoutNs: ANSWER_NS, otherwise: "giveUp" } as const;

export const migrate: OperationComponent = operation<
  MigrateParams & PlainObject,
  MigrateState & PlainObject
>(
  MIGRATE,
  {
    begin(host, op) {
      const { to, opening } = op.params;
      const run = runOf(op);
      if (run === undefined) return fail("vm-off");
      // A restore is filling its memory, past the traces that a copy goes by.
      if (run.volatile.stage === "opening") return lookAgain(AWAIT_NS, "begin");
      if (to === host.name) return fail("same-host", to);
      const unreached = opening.disks.find(({ access }) => access.paths.length === 0);
      if (unreached !== undefined) return fail("no-path", unreached.disk);
      if (run.config.guard >= 0) return fail("protected");
      const destination = host.world.named(to).domain;
      if (host.world.messenger.carriers(host.domain, destination).length === 0) {
        return fail("no-link", to);
      }
      const memory = memoryOf(run);
      if (moveOf(host, op.params.vm) !== op.entity) return fail("busy");
      const state = op.edit();
      state.memory = memory.id;
      state.startedNs = host.simulatedNs;
      const { vm, settings } = op.params;
      const { record, run: number } = run.config;
      const files = filesFor(run, destination);
      if (files !== undefined) {
        state.refersTo = { arrays: files.map(({ array }) => array), owner: -1 };
      }
      const body: Reservation = {
        vm,
        record,
        run: number,
        source: op.entity.id,
        agent: agentOf(host).id,
        opening,
        startUpNs: settings.startUpNs,
        ...(isPostCopy(op) ? comingLater(settings) : {}),
        ...(files && { files }),
      };
      state.isReserved = true;
      const extras = { timeoutNs: ANSWER_NS, otherwise: "notReserved" };
      const next = opening.local.length > 0 ? "beginMirrors" : "reserved";
      if (opening.local.length > 0) noteLeaving(host, op);
      return ask(agentOf(host, to).id, "reserve", body as unknown as Plain, next, extras);
    },

    /** Without an answer it may be made ready there. */
    notReserved(host, op, why: Refusal) {
      op.edit().isReserved = why.code === "timeout";
      return giveUp(host, op, why);
    },

    /** Pages that are nowhere here yet cannot be sent: they are referred to, or waited for. */
    reserved: whileHere<Far | null>((_host, op, run, admitted) => {
      if (admitted?.isFar === true) noteFiles(op, admitted);
      beginReferring(op, run);
      if (isAwaited(op, run, "before-copy")) return wait(AWAIT_NS, "reserved");
      const { algorithm, granularity, by } = op.params.settings;
      if (algorithm === "stop-and-copy" || algorithm === "post-copy") return go("stop");
      const wish = { client: CLIENT, mode: "stores", priority: 1, granularity, by, onMove: "ends" };
      return ask(op.state.memory, "trace", wish as unknown as Plain, "firstRound", lost);
    }),

    ...diskPhases,

    ...roundPhases,

    stop: whileHere((host, op, run) => {
      if (isAwaited(op, run, "before-stop")) return wait(AWAIT_NS, "stop");
      const suspending = claimStop(run, op.entity.id);
      if (suspending !== undefined) return giveUp(host, op, { code: "busy", detail: suspending });
      op.edit().isStopped = true;
      return ask(op.params.instance, "stun", {}, "drain", lost);
    }),

    /** What the guest sent to its disks is answered: the answers are held, and go along. */
    drain: whileHere((host, op, run) => {
      const state = op.edit();
      if (state.stoppedNs === 0) {
        state.stoppedNs = host.simulatedNs;
        const { stopNs } = op.params.settings;
        if (stopNs > 0) return wait(stopNs, "drain");
      }
      const stoodNs = host.simulatedNs - state.stoppedNs;
      const againNs = Math.max(DRAIN_POLL_NS, Math.floor(stoodNs / DRAIN_PATIENCE));
      if (!isStill(run)) return wait(againNs, "drain");
      const unwritten = state.isFlushed === true ? [] : unwrittenDisks(run);
      if (unwritten.length > 0) {
        state.isFlushed = true;
        const flushes = unwritten.map((disk) => askDevice(disk, { op: "flush" }, ""));
        return together(flushes, "drain", "giveUp");
      }
      return op.params.opening.local.length > 0 ? go("settleDisks") : sendRest(host, op, run);
    }),

    sendRest: whileHere(sendRest),

    prepare: whileHere((host, op, run) => {
      if (!isPostCopy(op)) endRound(host, op, 0);
      const image = imageOf(run, null, referred(op, run));
      op.edit().held = run.volatile.held.length;
      const body = { vm: op.params.vm, source: op.entity.id, image };
      const to = agentOf(host, op.params.to).id;
      const extras = { ...lost, bytes: IMAGE_BYTES + bytesOfReferences(host, op) };
      return ask(to, "complete", body as unknown as Plain, "commit", extras);
    }),

    /** From this event on the machine is the other host's. */
    commit: whileHere((host, op, run) => {
      op.edit().isGiven = true;
      leaveRestore(op);
      tellMoved(host, op);
      notice(host, op, run, "given");
      host.durableStep(`migrate ${op.params.vm}: given away`);
      const files = ownedFiles(run);
      return ask(keeperOf(host).id, "yield", { files, yielding: true }, "handOver");
    }),

    handOver(host, op) {
      const body = { vm: op.params.vm, source: op.entity.id };
      const extras = { timeoutNs: ANSWER_NS, otherwise: "askAgain" };
      return ask(agentOf(host, op.params.to).id, "go", body, "moved", extras);
    },

    /** No answer says nothing. A destination that knows of nothing has lost the machine. */
    askAgain(host, op, { code }: { readonly code: string }) {
      if (code === "timeout") return wait(AGAIN_NS, "handOver");
      const run = runOf(op);
      const { vm, opening } = op.params;
      if (run !== undefined) loseDisks(run);
      const record = host.world.entity(opening.record) as unknown as VmRecord;
      if (isSwitchedOff(record)) {
        tellMedia(host, op);
        return fail("vm-off");
      }
      // As when disks are lost to another host: it may be started again anywhere.
      host.notice("fenced", { vm, host: host.name, file: "", epoch: 0 });
      tellMedia(host, op);
      return fail("destination-lost");
    },

    moved(host, op, { resumedNs }: { readonly resumedNs: number }) {
      const run = runOf(op);
      const { rounds, startedNs, stoppedNs, held, isForced, skippedPages } = op.state;
      const downtimeNs = resumedNs - stoppedNs;
      host.measure("migration-downtime-ns", downtimeNs);
      endMirrors(host, op);
      tellMedia(host, op);
      if (isPostCopy(op)) return beginPush(host, op, resumedNs);
      if (run !== undefined) {
        leaveRun(run, held);
        departRun(run);
      }
      const bytesSent = rounds.reduce((sum, { bytes }) => sum + bytes, 0);
      const totalNs = resumedNs - startedNs;
      const figures = { rounds, totalNs, downtimeNs, bytesSent, skippedPages, forced: isForced };
      const { diskBytes, referredPages } = op.state;
      return done({
        ...figures,
        ...(diskBytes !== undefined && { diskBytes }),
        ...(referredPages !== undefined && { referredPages }),
      });
    },

    ...pushPhases,

    giveUp,

    goOn: end,
  },
  (): MigrateState & PlainObject => ({
    memory: -1,
    startedNs: 0,
    stoppedNs: 0,
    isReserved: false,
    isStopped: false,
    isGiven: false,
    isForced: false,
    isLast: false,
    rounds: [],
    round: { sinceNs: 0, bytes: 0, bitsPerSecond: 0 },
    scan: { groups: 0, factor: 1, offset: 0, next: 0 },
    nextRate: 0,
    skippedPages: 0,
    held: 0,
    problem: "",
  }),
);

/** Not lost with a host: nobody starts it again. */
const isSwitchedOff = ({ durable }: VmRecord): boolean =>
  durable.power === "off" && durable.ended !== "crash";

const isPostCopy = (op: Op): boolean => op.params.settings.algorithm === "post-copy";

/** Nothing changes here any more. */
function sendRest(host: Entity, op: Op, run: VmEntity): Step {
  const memory = memoryOf(run);
  settleMemory(memory);
  fixAbsent(op, run);
  notice(host, op, run, "quiesced");
  if (isPostCopy(op)) return go("prepare");
  if (op.params.settings.algorithm !== "stop-and-copy") {
    clientBitmap(memory, CLIENT, "taken").become(clientBitmap(memory, CLIENT, "dirty"));
  }
  return beginRound(op, op.params.settings.lastBitsPerSecond, true);
}

function notice(host: Entity, op: Op, run: VmEntity, event: string): void {
  const { vm } = op.params;
  host.notice(MIGRATION_NOTICE, { vm, event, run: run.config.run, instance: run.name });
}

/** How its pages come when it runs. */
const comingLater = ({ patienceNs, prefetch }: MigrationSettings) => ({
  patienceNs,
  ...(prefetch && { prefetch }),
});
