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
  operation,
  type OperationComponent,
  type Plain,
  type PlainObject,
  type Step,
  uniform,
  wait,
} from "../kernel/index.ts";
import { keeperOf } from "../disks/index.ts";
import {
  clientBitmap,
  departRun,
  imageOf,
  loseDisks,
  memoryOf,
  removeTraces,
  settleMemory,
  type VmEntity,
} from "../vmm/index.ts";
import { isStill, type MigrateState, type Op, ownedFiles, runOf, send } from "./moving.ts";
import { afterRound, firstRate } from "./rate.ts";
import { groupsOf, scanOf } from "./scan.ts";
import {
  agentOf,
  CLIENT,
  MIGRATION_NOTICE,
  type MigrateParams,
  PAGE_BYTES,
  type Reservation,
} from "./settings.ts";

/** How long the other host, or an entity of this one, may take to answer. */
const ANSWER_NS = 2_000_000_000;
const AGAIN_NS = 100_000_000;
const DRAIN_POLL_NS = 50_000;
/** Device state beside memory: registers, queues, what is held. */
const IMAGE_BYTES = 16_384;

const lost = { timeoutNs: ANSWER_NS, otherwise: "giveUp" } as const;

export const migrate: OperationComponent = operation<
  MigrateParams & PlainObject,
  MigrateState & PlainObject
>(
  "migrate",
  {
    begin(host, op) {
      const { to, opening } = op.params;
      const run = runOf(op);
      if (run === undefined) return fail("vm-off");
      if (to === host.name) return fail("same-host", to);
      if (opening.local.length > 0) return fail("local-disk", opening.local[0]!.disk);
      const unreached = opening.disks.find(({ access }) => access.paths.length === 0);
      if (unreached !== undefined) return fail("no-path", unreached.disk);
      if (run.config.guard >= 0) return fail("protected");
      const destination = host.world.named(to).domain;
      if (host.world.messenger.carriers(host.domain, destination).length === 0) {
        return fail("no-link", to);
      }
      const memory = memoryOf(run);
      if (memory.volatile.clients.some(({ name }) => name === CLIENT)) return fail("busy");
      const state = op.edit();
      state.memory = memory.id;
      state.startedNs = host.simulatedNs;
      const { vm, settings } = op.params;
      const { record, run: number } = run.config;
      const body: Reservation = {
        vm,
        record,
        run: number,
        source: op.entity.id,
        agent: agentOf(host).id,
        opening,
        startUpNs: settings.startUpNs,
      };
      return ask(agentOf(host, to).id, "reserve", body as unknown as Plain, "reserved", lost);
    },

    reserved(_host, op) {
      const { algorithm, granularity, by } = op.params.settings;
      op.edit().isReserved = true;
      if (algorithm === "stop-and-copy") return go("stop");
      const wish = { client: CLIENT, mode: "stores", priority: 1, granularity, by, stays: true };
      return ask(op.state.memory, "trace", wish as unknown as Plain, "firstRound", lost);
    },

    firstRound(_host, op) {
      const rate = firstRate(op.params.settings);
      return beginRound(op, rate, false);
    },

    /** A stretch of the round; the next one leaves when the rate allows it and this one has come. */
    copy(host, op) {
      const run = runOf(op);
      if (run === undefined) return giveUp(host, op, "vm-off");
      const stretch = send(host, op, run);
      if (stretch === undefined) return go(op.state.isLast ? "prepare" : "judge");
      const { bytes, message } = stretch;
      const to = agentOf(host, op.params.to).id;
      return ask(to, "pages", message as unknown as Plain, "pace", { ...lost, bytes });
    },

    pace(host, op) {
      const { bytes, sinceNs, bitsPerSecond } = op.state.round;
      const dueNs = sinceNs + Math.ceil((bytes * 8e9) / bitsPerSecond);
      return wait(Math.max(0, dueNs - host.simulatedNs), "copy");
    },

    judge(host, op) {
      const run = runOf(op);
      if (run === undefined) return giveUp(host, op, "vm-off");
      const memory = memoryOf(run);
      settleMemory(memory);
      const dirtiedPages = clientBitmap(memory, CLIENT, "dirty").count();
      endRound(host, op, dirtiedPages);
      const decision = afterRound(op.params.settings, op.state.rounds);
      if (decision.stops) {
        op.edit().isForced = decision.forced;
        return go("stop");
      }
      op.edit().nextRate = decision.bitsPerSecond;
      const body = { client: CLIENT, by: op.params.settings.by };
      return ask(memory.id, "take-dirty", body as unknown as Plain, "nextRound", lost);
    },

    nextRound: (_host, op) => beginRound(op, op.state.nextRate, false),

    stop: (_host, op) => ask(op.params.instance, "stun", {}, "drain", lost),

    /** What the guest sent to its disks is answered: the answers are held, and go along. */
    drain(host, op) {
      const run = runOf(op);
      if (run === undefined) return giveUp(host, op, "vm-off");
      const state = op.edit();
      if (!state.isStopped) {
        const { stopNs } = op.params.settings;
        state.stoppedNs = host.simulatedNs;
        state.isStopped = true;
        if (stopNs > 0) return wait(stopNs, "drain");
      }
      if (!isStill(run)) return wait(DRAIN_POLL_NS, "drain");
      const memory = memoryOf(run);
      settleMemory(memory);
      notice(host, op, run, "quiesced");
      if (op.params.settings.algorithm !== "stop-and-copy") {
        clientBitmap(memory, CLIENT, "taken").become(clientBitmap(memory, CLIENT, "dirty"));
      }
      return beginRound(op, op.params.settings.lastBitsPerSecond, true);
    },

    prepare(host, op) {
      const run = runOf(op);
      if (run === undefined) return giveUp(host, op, "vm-off");
      endRound(host, op, 0);
      const image = imageOf(run, null);
      op.edit().held = run.volatile.held.length;
      const body = { vm: op.params.vm, source: op.entity.id, image };
      const to = agentOf(host, op.params.to).id;
      const extras = { ...lost, bytes: IMAGE_BYTES };
      return ask(to, "complete", body as unknown as Plain, "commit", extras);
    },

    /** From this event on the machine is the other host's. */
    commit(host, op) {
      const run = runOf(op);
      if (run === undefined) return giveUp(host, op, "vm-off");
      op.edit().isGiven = true;
      notice(host, op, run, "given");
      host.durableStep(`migrate ${op.params.vm}: given away`);
      const files = ownedFiles(run);
      return ask(keeperOf(host).id, "yield", { files, yielding: true }, "handOver");
    },

    handOver(host, op) {
      const body = { vm: op.params.vm, source: op.entity.id };
      const extras = { timeoutNs: ANSWER_NS, otherwise: "askAgain" };
      return ask(agentOf(host, op.params.to).id, "go", body, "moved", extras);
    },

    /** No answer says nothing. A destination that knows of nothing has lost the machine. */
    askAgain(host, op, { code }: { readonly code: string }) {
      if (code === "timeout") return wait(AGAIN_NS, "handOver");
      const run = runOf(op);
      const { vm } = op.params;
      if (run !== undefined) loseDisks(run);
      // As when disks are lost to another host: it may be started again anywhere.
      host.notice("fenced", { vm, host: host.name, file: "", epoch: 0 });
      return fail("destination-lost");
    },

    moved(host, op, { resumedNs }: { readonly resumedNs: number }) {
      const run = runOf(op);
      const { rounds, startedNs, stoppedNs, held, isForced, skippedPages } = op.state;
      if (run !== undefined) departRun(run, held);
      const downtimeNs = resumedNs - stoppedNs;
      host.measure("migration-downtime-ns", downtimeNs);
      const bytesSent = rounds.reduce((sum, { bytes }) => sum + bytes, 0);
      const totalNs = resumedNs - startedNs;
      return done({ rounds, totalNs, downtimeNs, bytesSent, skippedPages, forced: isForced });
    },

    giveUp: (host, op, { code }: { readonly code: string }) => giveUp(host, op, code),

    /** It goes on here as if nothing had been. */
    goOn: (host, op) => end(host, op),
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

function beginRound(op: Op, bitsPerSecond: number, isLast: boolean): Step {
  const { entity } = op;
  const pages = runOf(op)!.config.spec.memoryPages;
  const drawn = (): number => entity.draw("scan order", uniform(groupsOf(pages)));
  const state = op.edit();
  state.scan = scanOf(pages, [drawn(), drawn()]);
  state.round = { sinceNs: entity.simulatedNs, bytes: 0, bitsPerSecond };
  state.isLast = isLast;
  return go("copy");
}

function endRound(host: Entity, op: Op, dirtiedPages: number): void {
  const { sinceNs, bytes, bitsPerSecond } = op.state.round;
  const round = { bytes, ns: host.simulatedNs - sinceNs, dirtiedPages };
  op.edit().rounds.push(round);
  const { vm } = op.params;
  host.notice(MIGRATION_NOTICE, { vm, event: "round", ...round, bitsPerSecond });
  host.measure("dirtied-bytes", dirtiedPages * PAGE_BYTES);
}

function notice(host: Entity, op: Op, run: VmEntity, event: string): void {
  const { vm } = op.params;
  host.notice(MIGRATION_NOTICE, { vm, event, run: run.config.run, instance: run.name });
}

function giveUp(host: Entity, op: Op, code: string): Step {
  const { memory, isReserved, isStopped } = op.state;
  const { vm, to, instance } = op.params;
  op.edit().problem = code;
  const kept = host.world.entityOrNone(memory);
  if (kept !== undefined) removeTraces(kept as never, CLIENT);
  const body = { vm, source: op.entity.id };
  if (isReserved || code === "timeout") op.entity.send(agentOf(host, to).id, "drop", body);
  if (!isStopped || runOf(op) === undefined) return end(host, op);
  return ask(instance, "unstun", {}, "goOn", { timeoutNs: ANSWER_NS, otherwise: "goOn" });
}

function end(host: Entity, op: Op): Step {
  const { vm } = op.params;
  host.notice(MIGRATION_NOTICE, { vm, event: "given-up", run: 0, instance: "" });
  return fail(op.state.problem);
}
