/**
 * Revert of a VM that is on. What its disks hold changes under the guest, whose memory knows
 * nothing of it: so it is stunned, its writes are drained and flushed, the disks are reverted as
 * those of a VM that is off, and then its run ends and a new one boots from them.
 *
 * Must hold: a revert that fails leaves the guest as it was, it goes on; one that stands lets no
 * instruction of the old run see the new disks. The old run ends as by a crash of its host: when the
 * host is lost before the new one begins, the VM is restarted like any that was lost.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  lookAgain,
  wait,
} from "../../kernel/index.ts";
import { loseDisks, type VmEntity } from "../../vmm/index.ts";
import { AGAIN_NS } from "../chain/array-requests.ts";
import {
  askInstance,
  DRAIN_POLL_NS,
  flushDisks,
  type OpenDisk,
  whileOpen,
} from "../chain/open-disks.ts";
import { isDrained } from "../chain/virtual-disk.ts";
import { revert } from "../cow/revert.ts";
import { revertRedo } from "../snapshot/revert-redo.ts";
import { powerOn, type PowerOnParams } from "./power-on.ts";

export type RevertRunningParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly array: EntityId;
  /** Its disks on the array. */
  readonly disks: readonly OpenDisk[];
  readonly pointInTime: string;
  readonly format: "cow" | "redo";
  /** How the VM is started again, here. */
  readonly powerOn: PowerOnParams;
};

type State = { tries: number; figures: PlainObject; stunnedAtNs: number; failure: Refusal | null };

type Op = Operation<RevertRunningParams & PlainObject, State & PlainObject>;

/** How often the start of the new run is tried, while the array does not answer. */
const MOST_TRIES = 60;

export const revertRunning = operation<RevertRunningParams & PlainObject, State & PlainObject>(
  "revert-running",
  {
    begin: (_host, op: Op) => askInstance(op.params.instance, "stun", "drain", "vmGone"),

    drain: whileOpen((host: Entity, op: Op, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      return disks.every(isDrained) ? go("flush") : lookAgain(DRAIN_POLL_NS, "drain");
    }),

    /** If the revert fails, the guest goes on with what its host remembers of the disks. */
    flush: (host, op: Op) => flushDisks(host.world, op.params, "revert", "giveUp"),

    revert(_host, op: Op) {
      const { vm, array, pointInTime, format } = op.params;
      const params = { vm, array, pointInTime };
      return perform(format === "cow" ? revert : revertRedo, params, "endRun", "giveUp");
    },

    endRun(host, op: Op, figures: PlainObject) {
      op.edit().figures = figures as never;
      const run = host.world.entityOrNone(op.params.instance);
      if (run !== undefined) loseDisks(run as unknown as VmEntity);
      return wait(0, "powerOn");
    },

    powerOn: (_host, op: Op) =>
      perform(powerOn, op.params.powerOn as unknown as PlainObject, "report", "notStarted"),

    report(host, op: Op) {
      const { figures, stunnedAtNs } = op.state;
      return done({ ...figures, downNs: host.simulatedNs - stunnedAtNs });
    },

    /** The disks are at the point in time, and the VM is off; somebody else may have started it. */
    notStarted(_host, op: Op, { code, detail }: Refusal) {
      if (code === "already-on") return go("report");
      if (++op.edit().tries < MOST_TRIES) return wait(AGAIN_NS, "powerOn");
      return fail("not-restarted", { code, detail } as Plain);
    },

    giveUp(_host, op: Op, why: Refusal) {
      op.edit().failure = why as never;
      return askInstance(op.params.instance, "unstun", "failed", "failed");
    },

    failed(_host, op: Op) {
      const { code, detail } = op.state.failure!;
      return fail(code, detail);
    },

    vmGone: () => fail("vm-off"),
  },
  () => ({ tries: 0, figures: {}, stunnedAtNs: -1, failure: null }),
);
