/**
 * Power-on of a protected machine: the backup's host makes ready, the ballot is laid out on the
 * array, then the machine starts as any other, under a guard. Where no backup can be had it starts
 * alone, and says so.
 */
import {
  ask,
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
} from "../kernel/index.ts";
import {
  askArray,
  type FileValue,
  owningOf,
  ownDisks,
  powerOn,
  type PowerOnParams,
  readFileIfAny,
  takesOver,
} from "../disks/index.ts";
import type { VmRecord } from "../vmm/index.ts";
import { agentName } from "./agent.ts";
import { guard } from "./guard.ts";
import { type Protection, protectionName } from "./protection.ts";
import { ballotFile, type FollowerConfig, type FtSettings, type Pair } from "./settings.ts";
import type { Ballot } from "./vote.ts";

export type ProtectParams = {
  readonly vm: string;
  readonly powerOn: PowerOnParams & PlainObject;
  /** Where the backup is to be, and how that host opens the disks; null: nowhere. */
  readonly backup: { readonly host: string; readonly powerOn: PowerOnParams & PlainObject } | null;
  readonly settings: FtSettings;
};

/**
 * `run`: number of the run that is to begin, since its backup was asked to make ready for it.
 * `epochs`: of its disks, where they had to be taken before the ballot could be laid out.
 */
type ProtectState = { run: number; follower: EntityId; guard: EntityId; epochs?: number[] };
type Owned = { readonly epochs: readonly number[] };
type Op = Operation<ProtectParams & PlainObject, ProtectState & PlainObject>;

const BACKUP_TIMEOUT_NS = 1_000_000_000;

/** Figures: {backup}, the host that follows, or null. */
export const protect = operation<ProtectParams & PlainObject, ProtectState & PlainObject>(
  "protect",
  {
    /** One of an earlier run decides nothing any more. */
    findBallot(host, op) {
      const { backup, powerOn: opening } = op.params;
      const { power, run } = recordOf(host, op).durable;
      if (power === "on" && !takesOver(opening)) return fail("already-on", op.params.vm);
      // What runs is left alone, its ballot too, where its disks are not to be had.
      if (power === "on" && op.state.epochs === undefined) return takesDisks(op);
      op.edit().run = run + 1;
      if (backup === null) return go("start");
      return readFileIfAny(opening.array, ballotFile(op.params.vm), "layBallot");
    },

    /** Another start's may be decided when it is read, or by the time that this one's comes. */
    layBallot(host, op, found: FileValue | null) {
      const { vm, powerOn: opening } = op.params;
      if (recordOf(host, op).durable.run >= op.state.run) return fail("vm-starting", vm);
      const value: Ballot = { run: op.state.run, winner: null };
      const body = { name: ballotFile(vm), value, ifVersion: found?.version ?? 0 };
      return askArray(opening.array, "file-write", body, "prepareBackup", "noBallot");
    },

    /** Another host took over from this one, and died of it before the machine ran there. */
    noBallot(_host, op, { code, detail }: Refusal) {
      if (code === "version-conflict") return fail("vm-starting", op.params.vm);
      const isOwner = op.state.epochs !== undefined;
      const isOwned = owningOf(op.params.powerOn, op.entity.id) !== undefined;
      if (code !== "not-owner" || isOwner || !isOwned) return fail(code, detail);
      return takesDisks(op);
    },

    layAsOwner(_host, op, { epochs }: Owned) {
      op.edit().epochs = [...epochs];
      return go("findBallot");
    },

    prepareBackup(host, op) {
      const { backup } = op.params;
      const agent = host.world.named(agentName(backup!.host));
      const config: FollowerConfig = { ...pairOf(host, op), powerOn: backup!.powerOn };
      const extras = { timeoutNs: BACKUP_TIMEOUT_NS, otherwise: "start" };
      return ask(agent.id, "prepare", config as unknown as Plain, "start", extras);
    },

    start(host, op, ready: { readonly follower?: EntityId } | null) {
      const follower = ready?.follower ?? -1;
      const { powerOn: opening } = op.params;
      const config = { ...pairOf(host, op), follower, from: { steps: 0, outputs: 0 } };
      const made = host.world.spawn(guard, config, { creator: host });
      const state = op.edit();
      state.follower = follower;
      state.guard = made.id;
      if (follower >= 0) host.world.call(made as unknown as Entity, "begin", 0);
      const { epochs } = op.state;
      const { run } = config;
      const params = { ...opening, guard: made.id, run, ...(epochs !== undefined && { epochs }) };
      return perform(powerOn, params, "report", "giveUp");
    },

    report(_host, op) {
      const { follower } = op.state;
      return done({ backup: follower < 0 ? null : op.params.backup!.host });
    },

    giveUp(host, op, { code, detail }: Refusal): Step {
      const made = host.world.entityOrNone(op.state.guard);
      if (made !== undefined) host.world.call(made, "run-ended", "power-off");
      return fail(code, detail);
    },
  },
  () => ({ run: 0, follower: -1, guard: -1 }),
);

/** Leads to "layAsOwner". */
function takesDisks(op: Op): Step {
  const owning = owningOf(op.params.powerOn, op.entity.id)!;
  return perform(ownDisks, owning as unknown as PlainObject, "layAsOwner");
}

const recordOf = (host: Entity, op: Op): VmRecord =>
  host.world.entity(op.params.powerOn.record) as unknown as VmRecord;

function pairOf(host: Entity, op: Op): Pair {
  const { vm, settings, powerOn: opening } = op.params;
  const { record, array } = opening;
  const protection = protectionOf(host, vm).id;
  return { vm, run: op.state.run, record, protection, array, settings };
}

const protectionOf = (host: Entity, vm: string): Protection =>
  host.world.named(protectionName(vm)) as unknown as Protection;
