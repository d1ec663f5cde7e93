/**
 * The disks of a running VM become disks of the other format, under its load: a copy-on-write
 * hierarchy redo logs, or redo logs a hierarchy (US 9,116,737, with a mirror as in US 10,956,041).
 *
 * Points in time stand still: the array copies them from their differences, as for a VM that is off.
 * What the guest writes to is copied here, range by range, while its writes go to both. Then a short
 * stun: what is under way ends, the copy is flushed, the intent is committed and one write of the
 * configuration, for the version that was read, makes the copy the disk; the open disks follow, the
 * guest goes on, and only then what was replaced goes.
 *
 * Must hold: before the commit nothing leads to the copy, and whoever finds the intent undoes it;
 * after it nobody leads anywhere else, and whoever finds it carries it through. The guest stands
 * still from before the commit until the configuration is known to say so. What it reads never
 * depends on how far this has come; a failure of the copy alone never reaches it.
 */
import {
  type Entity,
  go,
  operation,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  type SectorRange,
  type Step,
  together,
  lookAgain,
  wait,
  fail,
} from "../../kernel/index.ts";
import { AGAIN_NS, askArray } from "../chain/array-requests.ts";
import { beginRelayering } from "../chain/change-layers.ts";
import { configurationFile, intentFile, namedDisks } from "../chain/descriptor.ts";
import { askDevice, askInstance, DRAIN_POLL_NS, openDisks } from "../chain/open-disks.ts";
import { isDrained, isIdle } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { COPY_DEPTH, COPY_SECTORS, nextRanges } from "../consolidation/copy-plan.ts";
import { carryingOut, openCopy } from "../cow/carry-out.ts";
import { copyIntent, copyProblem } from "../cow/copy-hierarchy.ts";
import { type ArrayView, CowView, lookAtArray, sharersOfAll, writeIf } from "../cow/cow-files.ts";
import { noteFailure } from "../cow/endings.ts";
import { type CopyRequest, planCopy } from "../cow/hierarchy-plan.ts";
import { recoverHierarchy } from "../cow/recover-hierarchy.ts";
import {
  adoptCopy,
  failureOf,
  figuresOf,
  heldByTop,
  insertMirror,
  type MoveOp,
  type MoveParams,
  type MoveState,
  moving,
  newChain,
  newMove,
  noteStunned,
  noteUnstunned,
  named,
  planRanges,
  removeMirror,
  toMove,
} from "./move-state.ts";

type Allocation = { readonly ranges: readonly SectorRange[] };

type OnDisks<R> = (host: Entity, op: MoveOp, disks: VirtualDiskEntity[], result: R) => Step;

/** A phase on the open disks; when the VM went off meanwhile, what is durable is settled at once. */
function whileOpen<R = null>(phase: OnDisks<R>): (host: Entity, op: MoveOp, result: R) => Step {
  return (host, op, result) => {
    const open = openDisks(host.world, op.params);
    return open === undefined ? vmGone(op) : phase(host, op, open, result);
  };
}

function vmGone(op: MoveOp): Step {
  noteFailure(op as never, { code: "vm-off", detail: null });
  return go("settle");
}

const requestOf = ({ params }: MoveOp): CopyRequest => ({
  vm: params.vm,
  target: params.vm,
  format: params.format,
  upTo: null,
  disks: params.disks.map(({ disk }) => disk),
  live: true,
});

/** What the guest writes to, and what it stands on, are of one format: not of the one to come. */
function formatProblem(op: MoveOp, view: CowView): Step | undefined {
  const own = namedDisks(view.configuration(op.params.vm)!);
  for (const { disk } of op.params.disks) {
    const kinds = own.flatMap((at) => at[disk] ?? []).map((name) => view.files.descriptor(name)!);
    const formats = new Set(kinds.map(({ kind }) => (kind === "cow" ? "cow" : "redo")));
    if (formats.has(op.params.format)) return fail("same-format", disk);
  }
  return undefined;
}

const flushed = (op: MoveOp, next: string): Step => {
  if (op.params.careless?.unflushed === true) return go(next);
  const targets = Object.values(op.state.targets).map((device) =>
    askDevice(device, { op: "flush" }, "giveUp"),
  );
  return together(targets, next, "giveUp");
};

/** A task that does nothing: its id begins with the run of the array that gave it. */
const askRestarts = (op: MoveOp, next: string): Step =>
  askArray(op.params.array, "vasa-prepare", { bases: [] }, next, "giveUp");

const runOfArray = (task: string): string => task.slice(0, task.indexOf("-"));

const settleOwn = (op: MoveOp, next: string, otherwise: string): Step => {
  const { vm, array } = op.params;
  return perform(recoverHierarchy, { vm, array, own: op.identity }, next, otherwise);
};

/** The copy of what runs, from the mirror's insertion until only the switch is left. */
const copying = {
  stunForMirror: (_host: Entity, op: MoveOp): Step =>
    askInstance(op.params.instance, "stun", "drain", "vmGone"),

  /** A write that is on its way would miss the mirror. */
  drain: whileOpen((host, op, disks) => {
    noteStunned(op, host.simulatedNs);
    return disks.every(isDrained) ? go("insertMirror") : lookAgain(DRAIN_POLL_NS, "drain");
  }),

  insertMirror: whileOpen((_host, op, disks) => {
    for (const each of moving(op, disks)) insertMirror(op, each);
    return askInstance(op.params.instance, "unstun", "unstunned", "vmGone");
  }),

  /** What memory still holds from before the mirror must be on the array before it is asked. */
  unstunned: whileOpen((host, op) => {
    noteUnstunned(op, host.simulatedNs);
    return askRestarts(op, "noteRestarts");
  }),

  noteRestarts: whileOpen((_host, op, disks, { task }: { task: string }) => {
    op.edit().arrayRun = runOfArray(task);
    const flushes = disks.map(({ id }) => askDevice(id, { op: "flush" }, "giveUp"));
    return together(flushes, "readDifferences", "giveUp");
  }),

  readDifferences: whileOpen((_host, op, disks) => {
    const asks = moving(op, disks).flatMap(({ live: { from, since, kind } }) => {
      if (kind === "redo") return [];
      const [verb, body] =
        kind === "flat"
          ? (["allocated-ranges", { name: from }] as const)
          : since === null
            ? (["vasa-allocated", { vvol: from }] as const)
            : (["vasa-unshared", { vvol: from, since }] as const);
      return askArray(op.params.array, verb, body, "");
    });
    return together(asks, "planRanges", "giveUp");
  }),

  planRanges: whileOpen((_host, op, disks, found: readonly Allocation[]) => {
    const told = [...found];
    for (const { disk, live } of moving(op, disks)) {
      planRanges(disk, live.kind === "redo" ? heldByTop(disk) : told.shift()!.ranges);
    }
    return go("copy");
  }),

  /** Range by range; each is locked while it is read here and written there. */
  copy: whileOpen((_host, op, disks) => {
    if (op.state.aborted) return go("giveUp");
    const { copySectors = COPY_SECTORS } = op.params;
    for (const disk of disks) {
      const id = disk.config.disk;
      const from = op.state.cursors[id] ?? 0;
      const { ranges, cursor } = nextRanges(toMove(disk), from, copySectors, COPY_DEPTH);
      op.edit().cursors[id] = cursor;
      if (ranges.length === 0) continue;
      const copies = ranges.map((range) =>
        askDevice(disk.id, { op: "copy", ...range, whole: false }, "giveUp"),
      );
      return together(copies, "copy", "giveUp");
    }
    return flushed(op, "lookForSharers");
  }),

  lookForSharers: (_host: Entity, op: MoveOp): Step =>
    lookAtArray(op.params.array, "refuseIfShared", "giveUp"),

  /** Under the intent: a linked clone that begins now sees it and gives way. */
  refuseIfShared(_host: Entity, op: MoveOp, answer: ArrayView): Step {
    const { files } = new CowView(answer);
    const replaced = op.state.intent!.replaced.map(({ descriptor }) => descriptor);
    const sharers = sharersOfAll(files, op.params.vm, replaced);
    if (sharers.length === 0) return go("stun");
    noteFailure(op as never, { code: "shared", detail: sharers });
    return go("giveUp");
  },

  /** Given up, by request or because of a failure, before the commit: the disk is what it was. */
  giveUp(_host: Entity, op: MoveOp, why: Refusal | null): Step {
    noteFailure(op as never, why ?? { code: "aborted", detail: null });
    if (op.state.stunnedAtNs >= 0) return go("drainGivenUp");
    return askInstance(op.params.instance, "stun", "drainGivenUp", "vmGone");
  },

  drainGivenUp: whileOpen((host, op, disks) => {
    noteStunned(op, host.simulatedNs);
    if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainGivenUp");
    for (const each of moving(op, disks)) removeMirror(op, each);
    return go("resumeGuest");
  }),

  vmGone: (_host: Entity, op: MoveOp): Step => vmGone(op),
};

/** The stun in which the copy becomes the disk. */
const switching = {
  stun: (_host: Entity, op: MoveOp): Step =>
    askInstance(op.params.instance, "stun", "drainForSwitch", "vmGone"),

  drainForSwitch: whileOpen((host, op, disks) => {
    noteStunned(op, host.simulatedNs);
    if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainForSwitch");
    return go("copySuspects");
  }),

  /** Where a write failed on the disk alone the two differ: the disk is what the guest sees. */
  copySuspects: whileOpen((_host, _op, disks) => {
    const copies = disks.flatMap(({ id, volatile }) =>
      volatile.merge!.suspects.map((range) =>
        askDevice(id, { op: "copy", ...range, whole: true }, "giveUp"),
      ),
    );
    return together(copies, "flush", "giveUp");
  }),

  /** What was written since the first flush: little is left. */
  flush: whileOpen((_host, op, disks) => {
    const failed = disks.find(({ volatile }) => (volatile.merge?.failed ?? null) !== null);
    if (failed === undefined) return flushed(op, "lookForRestarts");
    noteFailure(op as never, { code: "target-error", detail: failed.volatile.merge!.failed!.code });
    return go("giveUp");
  }),

  lookForRestarts: (_host: Entity, op: MoveOp): Step => askRestarts(op, "judgeRestarts"),

  /** An array that was restarted may have lost copies that it had answered for, and not flushed. */
  judgeRestarts(_host: Entity, op: MoveOp, { task }: { task: string }): Step {
    if (runOfArray(task) === op.state.arrayRun) return go("commitMove");
    noteFailure(op as never, { code: "array-restarted", detail: null });
    return go("giveUp");
  },

  /** The linearization point. Whether a write that is not answered took effect, recovery finds out. */
  commitMove: whileOpen((_host, op, disks) => {
    disks.forEach(beginRelayering);
    const { array, vm } = op.params;
    const { intent, intentVersion } = op.state;
    const committed = { ...intent!, stage: "committed" };
    const name = intentFile(vm);
    return writeIf(array, name, committed, intentVersion, "switchOver", "settleStunned");
  }),

  /** All disks at once, for the configuration that the names were reserved in. */
  switchOver(host: Entity, op: MoveOp): Step {
    const { array, vm } = op.params;
    const { intent, plan, configurationVersion } = op.state;
    // What runs may be in the host's memory still where it was; the guest's view is held against it.
    const live = Object.values(plan!.live!).map(({ descriptor }) => descriptor);
    const pairs = plan!.pairs.filter(([, copy]) => !live.includes(copy));
    host.notice("hierarchy-copied", { array, pairs: pairs as unknown as Plain });
    const value = { vm, ...intent!.configuration };
    const name = configurationFile(vm);
    return writeIf(array, name, value, configurationVersion, "findHeld", "settleStunned");
  },

  /** An answer was lost, or somebody else was faster: the guest waits until it is known. */
  settleStunned(_host: Entity, op: MoveOp, why: Refusal | null): Step {
    if (why !== null) noteFailure(op as never, why);
    return settleOwn(op, "settledStunned", "unsettledStunned");
  },

  unsettledStunned: (): Step => wait(AGAIN_NS, "settleStunned"),

  settledStunned(_host: Entity, op: MoveOp, { outcome }: { outcome: string }): Step {
    if (outcome === "forward") return go("findHeld");
    if (outcome === "back") return go("drainGivenUp");
    return lookAtArray(op.params.array, "judgeStunned", "unsettledStunned");
  },

  judgeStunned(_host: Entity, op: MoveOp, answer: ArrayView): Step {
    const running = new CowView(answer).configuration(op.params.vm)?.running ?? {};
    const names = Object.entries(op.state.plan!.configuration.running);
    const isMoved = names.every(([disk, name]) => running[disk] === name);
    return go(isMoved ? "findHeld" : "drainGivenUp");
  },

  /** A redo log answers for what was written to it: the array knows which sectors that is. */
  findHeld: whileOpen((_host, op, disks) => {
    if (op.params.format === "cow") return go("adopt");
    const asks = moving(op, disks).flatMap((each) =>
      newChain(op, each).map(({ at }) =>
        askArray(op.params.array, "allocated-ranges", { name: named(op, at.volume) }, ""),
      ),
    );
    return together(asks, "noteHeld", "findHeldAgain");
  }),

  findHeldAgain: (): Step => wait(AGAIN_NS, "findHeld"),

  noteHeld: whileOpen((host, op, disks, found: readonly Allocation[]) =>
    adopt(host, op, disks, found),
  ),

  adopt: whileOpen((host, op, disks) => adopt(host, op, disks, [])),

  resumeGuest: (_host: Entity, op: MoveOp): Step =>
    askInstance(op.params.instance, "unstun", "settleResumed", "settleResumed"),

  settleResumed(host: Entity, op: MoveOp): Step {
    noteUnstunned(op, host.simulatedNs);
    return go("settle");
  },
};

/** A backup may still read through the layers: what it asked for comes first. */
function adopt(
  _host: Entity,
  op: MoveOp,
  disks: readonly VirtualDiskEntity[],
  found: readonly Allocation[],
): Step {
  if (!disks.every(isIdle)) return lookAgain(DRAIN_POLL_NS, "findHeld");
  let next = 0;
  for (const each of moving(op, disks)) {
    const layers = newChain(op, each).length;
    adoptCopy(
      op,
      each,
      found.slice(next, (next += layers)).map(({ ranges }) => ranges),
    );
  }
  return go("resumeGuest");
}

export const moveFormat = operation<MoveParams & PlainObject, MoveState & PlainObject>(
  "migrate-disk-format",
  {
    begin(host: Entity, op: MoveOp): Step {
      op.edit().startedNs = host.simulatedNs;
      return lookAtArray(op.params.array, "openIntent", "");
    },

    openIntent(_host: Entity, op: MoveOp, answer: ArrayView): Step {
      const view = new CowView(answer);
      const request = requestOf(op);
      const problem = copyProblem(view, request) ?? formatProblem(op, view);
      if (problem !== undefined) return problem;
      const plan = planCopy(view, view.configuration(op.params.vm)!, request)!;
      return openCopy(op as never, view, plan, copyIntent(op.identity, view, request, plan));
    },

    ...(carryingOut as unknown as { [phase: string]: never }),
    ...copying,
    ...switching,

    /** The plan's steps; the version of the configuration in which the names were reserved. */
    step(host: Entity, op: MoveOp, answer: { readonly version?: number } | null): Step {
      if (answer?.version !== undefined) op.edit().configurationVersion = answer.version;
      if (op.state.aborted) {
        noteFailure(op as never, { code: "aborted", detail: null });
        return go("settle");
      }
      const isMade = op.state.cursor === op.state.plan!.steps.length;
      return isMade ? go("stunForMirror") : carryingOut.step(host, op as never);
    },

    report: (host: Entity, op: MoveOp): Step => figuresOf(op, host.simulatedNs),

    failed: (_host: Entity, op: MoveOp): Step => failureOf(op.state),
  },
  newMove,
);
