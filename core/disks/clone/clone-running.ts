/**
 * A clone of a VM as it runs: a point in time is taken for it, cloned from, and given up again. All
 * of it is made of what exists, each part with its own intent and recovery: the snapshot, the copy
 * of the hierarchy (which ends in that point without listing it) or the linked clone, the deletion.
 *
 * Must hold: the clone is of one moment, all disks alike, or there is none; the point in time that
 * was taken goes, whatever is lost when. So it is named by an intent of its own before it is taken,
 * and after a crash `finishClone` gives it up once the VM runs again. A linked clone on redo logs
 * stands on the point, which then stays as one like any other until the clone is promoted.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type PlainObject,
  type Refusal,
  type Step,
} from "../../kernel/index.ts";
import { closingIntent, takesOverIntent } from "../backup/close-intent.ts";
import { backupIntentFile } from "../backup/manifest.ts";
import { configurationFile } from "../chain/descriptor.ts";
import { configurationAsRead, opensIntent } from "../chain/open-intent.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import { copyHierarchy } from "../cow/copy-hierarchy.ts";
import { type ArrayView, CowView, lookAtArray } from "../cow/cow-files.ts";
import { cowLinkedClone } from "../cow/cow-linked-clone.ts";
import { cowSnapshot } from "../cow/cow-snapshot.ts";
import type { DiskFormat } from "../cow/hierarchy-plan.ts";
import type { Unopened } from "../handoff/unopened.ts";
import { snapshot } from "../snapshot/snapshot.ts";
import { dropPoint } from "./drop-point.ts";
import { linkedClone } from "./linked-clone.ts";
import type { PointIntent } from "./point-intent.ts";

export type CloneRunningParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly array: EntityId;
  /** All its disks, open; each of them can be frozen. */
  readonly disks: readonly OpenDisk[];
  /** What the disks are. */
  readonly format: DiskFormat;
  /** Id of the point in time that is taken for it. */
  readonly pointInTime: string;
  /** A full copy of another name, with all points in time; or the disks of a VM that is off. */
  readonly into: { readonly target: string; readonly format: DiskFormat } | Linked;
};

type Linked = {
  readonly clone: string;
  /** Its disks as of when it was off; absent: whoever asks answers for that it is. */
  readonly closed?: Unopened;
};

type State = {
  intentVersion: number;
  startedNs: number;
  stunNs: number;
  figures: PlainObject;
  failure: Refusal | null;
};

type Op = Operation<CloneRunningParams & PlainObject, State & PlainObject>;

export const cloneRunning = operation<CloneRunningParams & PlainObject, State & PlainObject>(
  "clone-running",
  {
    begin(host: Entity, op: Op): Step {
      op.edit().startedNs = host.simulatedNs;
      return lookAtArray(op.params.array, "openIntent", "");
    },

    openIntent(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const { vm, array, pointInTime, disks, into } = op.params;
      const configuration = view.configuration(vm);
      if (configuration === undefined) return fail("no-configuration", vm);
      const open = disks.map(({ disk }) => disk);
      const other = Object.keys(configuration.running).find((disk) => !open.includes(disk));
      if (other !== undefined) return fail("not-snapshottable", other);
      if ("target" in into && view.configuration(into.target) !== undefined) {
        return fail("vm-exists", into.target);
      }
      const common = { operation: op.identity, vm, pointInTime };
      const intent: PointIntent = { kind: "clone-point", ...common };
      const given = [configurationAsRead(vm, view.version(configurationFile(vm)))];
      return opensIntent(array, backupIntentFile(vm), intent, given, "takePoint");
    },

    refuse: (_host: Entity, _op: Op, why: Refusal): Step => fail(why.code, why.detail),

    takePoint(_host: Entity, op: Op, { version }: { version: number }): Step {
      op.edit().intentVersion = version;
      const { vm, instance, array, disks, pointInTime, format } = op.params;
      const params = { vm, instance, array, disks, pointInTime };
      const kind = format === "cow" ? cowSnapshot : snapshot;
      return perform(kind, params as unknown as PlainObject, "clone", "giveUp");
    },

    clone(_host: Entity, op: Op, { stunNs }: { readonly stunNs: number }): Step {
      op.edit().stunNs = stunNs;
      const { vm, array, pointInTime, format, into } = op.params;
      if ("clone" in into) {
        const params = { vm, array, pointInTime, ...into };
        return perform(format === "cow" ? cowLinkedClone : linkedClone, params, "cloned", "giveUp");
      }
      const copy = { vm, array, ...into, upTo: pointInTime, asRunning: true };
      return perform(copyHierarchy, copy, "cloned", "giveUp");
    },

    cloned(_host: Entity, op: Op, figures: PlainObject): Step {
      op.edit().figures = figures as never;
      const standsOnIt = "clone" in op.params.into && op.params.format === "redo";
      return go(standsOnIt ? "closeIntent" : "dropPoint");
    },

    giveUp(_host: Entity, op: Op, why: Refusal): Step {
      op.edit().failure = why as never;
      return go("dropPoint");
    },

    dropPoint(_host: Entity, op: Op): Step {
      const { vm, instance, array, disks, pointInTime } = op.params;
      const params = { vm, instance, array, disks, pointInTime };
      return perform(dropPoint, params as unknown as PlainObject, "notePoint", "left");
    },

    notePoint(_host: Entity, op: Op, { kept }: { readonly kept?: string }): Step {
      if (kept !== undefined) op.edit().figures["pointKept"] = kept;
      return go("closeIntent");
    },

    /** Off: the intent stays, and the next power-on has the point given up. */
    left(_host: Entity, op: Op, why: Refusal): Step {
      if (op.state.failure !== null) return fail(op.state.failure.code, op.state.failure.detail);
      op.edit().figures["pointLeft"] = why.code;
      return go("report");
    },

    ...closingIntent,

    report(host: Entity, op: Op): Step {
      const { failure, figures, stunNs, startedNs } = op.state;
      if (failure !== null) return fail(failure.code, failure.detail);
      return done({ ...figures, stunNs, durationNs: host.simulatedNs - startedNs });
    },
  },
  () => ({ intentVersion: 0, startedNs: 0, stunNs: 0, figures: {}, failure: null }),
);

export type FinishCloneParams = Omit<CloneRunningParams, "format" | "pointInTime" | "into"> & {
  readonly intent: PointIntent;
};

/** What is done, once its VM runs again, about a clone that a crash cut short. */
export const finishClone = operation<FinishCloneParams & PlainObject, FinishState & PlainObject>(
  "finish-clone",
  {
    takeOver: (_host: Entity, op: FinishOp): Step => takesOverIntent(op, "dropPoint"),

    superseded: (_host: Entity, _op: FinishOp): Step => fail("superseded"),

    dropPoint(_host: Entity, op: FinishOp, { version }: { readonly version: number }): Step {
      op.edit().intentVersion = version;
      const { vm, instance, array, disks, intent } = op.params;
      const { pointInTime } = intent;
      const point = { vm, instance, array, disks, pointInTime } as unknown as PlainObject;
      return perform(dropPoint, point, "closeIntent");
    },

    ...closingIntent,

    report: (): Step => done(),
  },
  () => ({ intentVersion: 0 }),
);

type FinishState = { intentVersion: number };

type FinishOp = Operation<FinishCloneParams & PlainObject, FinishState & PlainObject>;
