/**
 * The owner's half of a handoff (US 9,575,658): what the guest sent is let through, what caches hold
 * goes to the array, the disk is closed, and then the ownership file is written with the new owner,
 * if it is still as this host knows it. The write is the moment at which the disk changes hands.
 *
 * An answer that is lost does no harm: the requester reads the file and finds its own request in it.
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
  type PlainObject,
  type Step,
  lookAgain,
  wait,
} from "../../kernel/index.ts";
import type { DiskOwnership } from "../../platform/index.ts";
import { askArray, type FileValue, readFile } from "../chain/array-requests.ts";
import { DRAIN_POLL_NS } from "../chain/open-disks.ts";
import { isDrained } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import {
  editDisk,
  forgetDisk,
  formerBut,
  type KeeperEntity,
  type ReleaseAsk,
  type ReleaseRequest,
} from "./keeper-state.ts";

const UNDECIDED_NS = 100_000_000;

type Params = ReleaseRequest &
  PlainObject & {
    readonly asked: ReleaseAsk;
    readonly keeper: EntityId;
    /** The open virtual disk; -1: it is not open. */
    readonly holder: EntityId;
  };

type ReleaseState = { before: DiskOwnership | null; version: number };

type Op = Operation<Params, ReleaseState & PlainObject>;

export const releaseDisk = operation<Params, ReleaseState & PlainObject>(
  "release-disk",
  {
    /** The file says whether the disk is this host's at all: after a restart the keeper knows none. */
    begin: (_host, op) => readFile(op.params.array, op.params.file, "judge", "unreadable"),

    judge(host, op, file: FileValue) {
      const before = file.value as unknown as DiskOwnership;
      if (isGranted(op, before)) return go("granted");
      if (before.owner !== host.name) return end(host, op, "lost");
      const state = op.edit();
      state.before = before as never;
      state.version = file.version;
      return go("drain");
    },

    drain(host, op) {
      const disk = openDisk(host, op);
      if (disk === undefined) return go("transfer");
      return isDrained(disk) ? go("flush") : lookAgain(DRAIN_POLL_NS, "drain");
    },

    flush: (_host, op) =>
      ask(op.params.holder, "io", { op: "flush" }, "close", { otherwise: "giveBack" }),

    close(host, op) {
      const disk = openDisk(host, op);
      if (disk !== undefined) host.world.removeTree(disk as unknown as Entity);
      return go("transfer");
    },

    /** The linearization point. */
    transfer(_host, op) {
      const { file, requester, request, filters, array } = op.params;
      const { version } = op.state;
      const before = op.state.before!;
      const value: DiskOwnership = {
        vm: before.vm,
        owner: requester,
        epoch: before.epoch + 1,
        request,
        former: formerBut(requester, before),
        filters,
      };
      const body = { name: file, value, ifVersion: version };
      return askArray(array, "file-write", body, "granted", "findOut");
    },

    findOut: (_host, op) => readFile(op.params.array, op.params.file, "decide", "undecided"),

    decide(host, op, file: FileValue) {
      if (isGranted(op, file.value as unknown as DiskOwnership)) return go("granted");
      return file.version === op.state.version ? go("transfer") : end(host, op, "lost");
    },

    undecided: () => wait(UNDECIDED_NS, "findOut"),

    granted: (host, op) => end(host, op, null),

    /** What was acknowledged cannot be made durable: the disk stays here. */
    giveBack: (host, op, why: { code: string }) => keep(host, op, why.code),

    unreadable: (host, op, why: { code: string }) => keep(host, op, why.code),
  },
  () => ({ before: null, version: 0 }),
);

/** A run that comes by again asks in the same words: by them this host may have the disk itself. */
const isGranted = ({ params }: Op, { owner, request }: DiskOwnership): boolean =>
  owner === params.requester && request === params.request;

function keep(host: Entity, op: Op, code: string): Step {
  const keeper = keeperEntity(host, op);
  const kept = keeper.volatile.disks[op.params.file];
  if (kept?.stage === "closing") editDisk(keeper, op.params.file).stage = "open";
  keeper.refuse(op.params.asked, "busy", code);
  return fail("not-released", code);
}

function end(host: Entity, op: Op, problem: string | null): Step {
  const { file, asked, holder } = op.params;
  const keeper = keeperEntity(host, op);
  if (keeper.volatile.disks[file]?.holder === holder) forgetDisk(keeper, file);
  if (problem === null) keeper.reply(asked, {});
  else keeper.refuse(asked, problem);
  return problem === null ? done() : fail(problem);
}

const keeperEntity = (host: Entity, op: Op): KeeperEntity =>
  host.world.entity(op.params.keeper) as unknown as KeeperEntity;

function openDisk(host: Entity, op: Op): VirtualDiskEntity | undefined {
  const entity = host.world.entityOrNone(op.params.holder);
  return entity as unknown as VirtualDiskEntity | undefined;
}
