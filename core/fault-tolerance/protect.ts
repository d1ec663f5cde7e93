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
  type Step,
} from "../kernel/index.ts";
import { owningOf, ownDisks, powerOn, type PowerOnParams, takesOver } from "../disks/index.ts";
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
 * `epochs`: of its disks, taken before the ballot was laid out, or before it started alone.
 */
type ProtectState = { run: number; follower: EntityId; guard: EntityId; epochs?: number[] };
type Owned = { readonly epochs: readonly number[] };
type Refusal = { readonly code: string; readonly detail: Plain };
type Op = Operation<ProtectParams & PlainObject, ProtectState & PlainObject>;

const BACKUP_TIMEOUT_NS = 1_000_000_000;
const FILE_TIMEOUT_NS = 5_000_000_000;

/** Figures: {backup}, the host that follows, or null. */
export const protect = operation<ProtectParams & PlainObject, ProtectState & PlainObject>(
  "protect",
  {
    findBallot(host, op) {
      const { backup, powerOn: opening } = op.params;
      const { power, run } = recordOf(host, op).durable;
      if (power === "on" && !takesOver(opening)) return fail("already-on", op.params.vm);
      op.edit().run = run + 1;
      if (backup === null) return go("start");
      return askBallot(op, "file-read", {}, "layBallot", "lookFor");
    },

    lookFor: (_host, op, { code, detail }: Refusal) =>
      code === "no-file" ? layBallot(op, 0) : fail(code, detail),

    /**
     * A ballot of an earlier run decides nothing any more. That of another start of this one may be
     * decided by the time that this one comes: it names the version that was found.
     */
    layBallot: (_host, op, { version }: { readonly version: number }) => layBallot(op, version),

    /** Another host took over from this one, and died of it before the machine ran there. */
    noBallot(_host, op, { code, detail }: Refusal) {
      if (code === "version-conflict") return fail("vm-starting", op.params.vm);
      const step = code === "not-owner" ? ownsFirst(op, "layAsOwner") : undefined;
      return step ?? fail(code, detail);
    },

    layAsOwner: (_host, op, owned: Owned) => noteOwned(op, owned, "findBallot"),

    prepareBackup(host, op) {
      const { backup } = op.params;
      const agent = host.world.named(agentName(backup!.host));
      const config: FollowerConfig = { ...pairOf(host, op), powerOn: backup!.powerOn };
      const extras = { timeoutNs: BACKUP_TIMEOUT_NS, otherwise: "start" };
      return ask(agent.id, "prepare", config as unknown as Plain, "start", extras);
    },

    start(host, op, ready: { readonly follower?: EntityId } | null) {
      const follower = ready?.follower ?? -1;
      // Alone it lives from the first moment on: not before no other host can have the disks.
      const owning = follower < 0 ? ownsFirst(op, "startAsOwner") : undefined;
      if (owning !== undefined) return owning;
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

    startAsOwner: (_host, op, owned: Owned) => noteOwned(op, owned, "start"),

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

function askBallot(op: Op, verb: string, body: PlainObject, next: string, otherwise: string): Step {
  const named = { name: ballotFile(op.params.vm), ...body };
  return ask(op.params.powerOn.array, verb, named, next, { timeoutNs: FILE_TIMEOUT_NS, otherwise });
}

function layBallot(op: Op, ifVersion: number): Step {
  const value: Ballot = { run: op.state.run, winner: null };
  return askBallot(op, "file-write", { value, ifVersion }, "prepareBackup", "noBallot");
}

/** Takes the disks before the machine is powered on; undefined: it has, or they have no owner. */
function ownsFirst(op: Op, next: string): Step | undefined {
  const isOwner = op.state.epochs !== undefined;
  const owning = isOwner ? undefined : owningOf(op.params.powerOn, op.entity.id);
  return owning && perform(ownDisks, owning as unknown as PlainObject, next);
}

function noteOwned(op: Op, { epochs }: Owned, next: string): Step {
  op.edit().epochs = [...epochs];
  return go(next);
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
