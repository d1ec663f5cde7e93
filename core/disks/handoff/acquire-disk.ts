/**
 * A host takes the ownership of a disk (US 9,575,658, with an epoch, leases and drains added): it
 * reads who owns it, asks that owner through its I/O filters, one after the other, to let go, and
 * takes the disk itself only from nobody, from itself, or from an owner whose lease has run out.
 *
 * Must hold: the ownership file changes only by a write that names the version that was read, so of
 * several takers one wins; the epoch rises with every change; a request that is repeated, or whose
 * answer was lost, finds itself in the file. A lease is watched on this host's own clock: it decides
 * how long to wait and nothing else, because what a late owner still sends is refused by its epoch.
 */
import {
  ask,
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  type Plain,
  type PlainObject,
  type Step,
  wait,
} from "../../kernel/index.ts";
import type { DiskOwnership, HostEntity } from "../../platform/index.ts";
import type { FileValue } from "../chain/array-requests.ts";
import { filtersOf, keeperOf } from "./keeper.ts";
import {
  editDisk,
  forgetDisk,
  formerBut,
  heartbeatFile,
  type KeptDisk,
  type OwnershipRules,
  ownershipFile,
} from "./keeper-state.ts";
import { ownClockNs, ownDelayNs, watchedNs } from "./own-clock.ts";

/** How long a filter may take to answer: draining and closing included. */
const FILTER_TIMEOUT_NS = 300_000_000;
/** How long the array may take over a small file, and how often it is asked again. */
const FILE_TIMEOUT_NS = 1_000_000_000;
const RETRIES = 5;
/** Before any clock's beginning. */
const LONG_AGO_NS = -(2 ** 50);
/** Pause before the file is looked at again while the owner closes the disk. */
const CLOSING_POLL_NS = 50_000_000;
/** Leases for which an owner that lives and does not answer is waited for. */
const PATIENCE = 6;

export type AcquireParams = {
  readonly vm: string;
  readonly disk: string;
  readonly array: EntityId;
  readonly rules: OwnershipRules;
  /** Operation for which the disk is taken: when that is over and did not open it, it is dropped. */
  readonly holder: EntityId;
  /** An owner that was found dead a moment ago, and its last heartbeat: it is not asked again. */
  readonly silent: SilentOwner | null;
  /** The owner was voted out: it is not asked nor waited for, its epoch keeps it away. */
  readonly seize: boolean;
};

export type SilentOwner = { readonly owner: string; readonly version: number };

type Watched = SilentOwner & { readonly sinceNs: number };

type AcquireState = {
  file: FileValue | null;
  /** Filters of the owner that were asked in vain. */
  asked: number;
  /** The owner's heartbeat as it was last seen to change, by the own clock. */
  watched: Watched | null;
  /** The owner whose lease ran out, if that is how the disk was had. */
  silent: SilentOwner | null;
  /** Own clock when the owner was first found not to answer; -1 before. */
  waitingSinceNs: number;
  /** Requests to the array that ran out of time. */
  unanswered: number;
};

type Op = Operation<AcquireParams & PlainObject, AcquireState & PlainObject>;

export const acquireDisk = operation<AcquireParams & PlainObject, AcquireState & PlainObject>(
  "acquire-disk",
  {
    /** Whoever owns disks says that it lives, from before it owns the first. */
    begin(host, op) {
      const { array, rules } = op.params;
      const keeper = keeperOf(host);
      const kept = keeper.volatile.disks[fileOf(op)];
      if (kept !== undefined && isInUse(host, kept)) return fail("disk-busy", host.name);
      const taking: KeptDisk = {
        array,
        vm: op.params.vm,
        epoch: 0,
        former: [],
        version: 0,
        request: op.identity,
        stage: "taking",
        holder: op.entity.id,
        instance: -1,
        yielding: false,
      };
      (keeper.edit().disks as { [file: string]: KeptDisk })[fileOf(op)] = taking;
      return ask(keeper.id, "join", { array, rules }, "readOwner");
    },

    readOwner: (_host, op) => readShort(op, fileOf(op), "judge"),

    /** An array that is down for a moment is asked again. */
    unanswered(host, op, why: { code: string; detail: Plain }) {
      op.edit().unanswered++;
      if (why.code !== "timeout" || op.state.unanswered > RETRIES) {
        return giveUp(host, op, why.code, why.detail);
      }
      return go("readOwner");
    },

    judge(host, op, file: FileValue | null) {
      op.edit().file = file as never;
      const ownership = ownershipIn(op);
      const { owner = null, request } = ownership ?? {};
      // A run that comes by again asks in the same words as at the host that has it now.
      if (request === op.identity && owner === host.name) return go("granted");
      if (owner === null || owner === host.name || op.params.seize) return go("take");
      return op.state.watched?.owner === owner
        ? go("readHeartbeat")
        : readShort(op, heartbeatFile(owner), "noteHeartbeat");
    },

    /** The lease is watched from before the owner is asked: silence meanwhile counts. */
    noteHeartbeat(host, op, heartbeat: FileValue | null) {
      const sinceNs = ownClockNs(host as unknown as HostEntity);
      const state = op.edit();
      state.watched = { owner: ownershipIn(op)!.owner!, version: heartbeat?.version ?? 0, sinceNs };
      state.asked = 0;
      return go("askOwner");
    },

    /** The next of the owner's filters; when none is left there is only its lease. */
    askOwner(host, op) {
      const { owner, filters } = ownershipIn(op)!;
      const filter = filters[op.state.asked];
      const to = filter === undefined ? undefined : host.world.entityOrNone(filter);
      const reachable =
        to !== undefined && host.world.messenger.carriers(host.domain, to.domain).length > 0;
      if (!reachable) return go("readHeartbeat");
      host.notice("handoff", { file: fileOf(op), owner, asks: op.state.asked });
      const body = {
        file: fileOf(op),
        array: op.params.array,
        request: op.identity,
        requester: host.name,
        filters: filtersOf(keeperOf(host)),
      };
      const extras = { timeoutNs: FILTER_TIMEOUT_NS, otherwise: "notReleased" };
      return ask(filter!, "release", body, "readOwner", extras);
    },

    notReleased(host, op, why: { code: string; detail: Plain }) {
      if (why.code === "busy") return giveUp(host, op, "disk-busy", why.detail);
      const state = op.edit();
      if (why.code === "closing") {
        // It may fail to close it, and is then to be asked again.
        state.watched = null;
        return wait(CLOSING_POLL_NS, "readOwner");
      }
      state.asked++;
      if (state.asked === 2) {
        host.notice("sometimes", { name: "a release goes to the next filter in the chain" });
      }
      return go(why.code === "lost" ? "readOwner" : "askOwner");
    },

    readHeartbeat(_host, op) {
      const { owner } = ownershipIn(op)!;
      return readShort(op, heartbeatFile(owner!), "watch");
    },

    /** Silence for as long as a lease is, on this host's clock, and the owner counts as dead. */
    watch(host, op, heartbeat: FileValue | null) {
      const nowNs = ownClockNs(host as unknown as HostEntity);
      const { leaseNs, heartbeatNs, maxDriftPpm } = op.params.rules;
      const owner = ownershipIn(op)!.owner!;
      const version = heartbeat?.version ?? 0;
      const state = op.edit();
      if (state.waitingSinceNs < 0) state.waitingSinceNs = nowNs;
      const { watched } = op.state;
      if (watched?.owner !== owner || watched.version !== version) {
        state.watched = { owner, version, sinceNs: nowNs };
      } else if (nowNs - watched.sinceNs >= watchedNs(leaseNs, maxDriftPpm)) {
        host.notice("sometimes", { name: "the lease of an owner runs out" });
        state.silent = { owner, version };
        return go("take");
      }
      if (nowNs - state.waitingSinceNs > PATIENCE * leaseNs) {
        return giveUp(host, op, "owner-alive", owner);
      }
      return wait(ownDelayNs(host as unknown as HostEntity, heartbeatNs), "readOwner");
    },

    /** The linearization point, for a disk that nobody hands over. */
    take(host, op) {
      const { file } = op.state;
      const before = ownershipIn(op);
      const filters = filtersOf(keeperOf(host));
      const value: DiskOwnership = {
        vm: op.params.vm,
        owner: host.name,
        epoch: (before?.epoch ?? 0) + 1,
        request: op.identity,
        former: formerBut(host.name, before),
        filters,
      };
      const body = { name: fileOf(op), value, ifVersion: file?.version ?? 0 };
      const extras = { timeoutNs: FILE_TIMEOUT_NS, otherwise: "refused" };
      return ask(op.params.array, "file-write", body, "readOwner", extras);
    },

    /** Somebody else was first, or the answer is lost: the file says which. */
    refused(host, op, why: { code: string; detail: Plain }) {
      if (why.code === "version-conflict") {
        host.notice("sometimes", { name: "two hosts want a disk at the same time" });
      } else if (why.code !== "timeout") return giveUp(host, op, why.code, why.detail);
      return go("readOwner");
    },

    granted(host, op) {
      const { epoch, former } = ownershipIn(op)!;
      const keeper = keeperOf(host);
      if (keeper.volatile.disks[fileOf(op)] === undefined) return fail("disk-lost", fileOf(op));
      const kept = editDisk(keeper, fileOf(op));
      kept.epoch = epoch;
      kept.former = [...former];
      kept.version = op.state.file!.version;
      kept.stage = "owned";
      kept.holder = op.params.holder;
      return done({ file: fileOf(op), epoch, silent: op.state.silent });
    },
  },
  ({ silent }) => ({
    file: null,
    asked: 0,
    watched: silent === null ? null : { ...silent, sinceNs: LONG_AGO_NS },
    silent: null,
    waitingSinceNs: -1,
    unanswered: 0,
  }),
);

/** Null when there is no such file. */
const readShort = (op: Op, name: string, next: string): Step =>
  ask(op.params.array, "file-read", { name }, next, {
    timeoutNs: FILE_TIMEOUT_NS,
    tolerate: ["no-file"],
    otherwise: "unanswered",
  });

const fileOf = (op: Op): string => ownershipFile(op.params.vm, op.params.disk);

const ownershipIn = (op: Op): DiskOwnership | undefined =>
  op.state.file?.value as unknown as DiskOwnership | undefined;

/** A VM of this host has it, or another operation takes it. */
const isInUse = (host: Entity, { stage, holder }: KeptDisk): boolean =>
  stage !== "closing" && host.world.entityOrNone(holder) !== undefined;

function giveUp(host: Entity, op: Op, code: string, detail: Plain): Step {
  forgetDisk(keeperOf(host), fileOf(op));
  return fail(code, detail);
}
