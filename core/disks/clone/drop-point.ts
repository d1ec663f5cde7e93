/**
 * Gives up a point in time that an operation took for itself, in whatever format its disks are by
 * now: a layer of redo logs is consolidated away, which needs the running VM; a copy-on-write one is
 * deleted. What somebody else came to need meanwhile stays, as a point in time like any other.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  operation,
  type Operation,
  perform,
  type PlainObject,
  type Refusal,
  type Step,
  wait,
} from "../../kernel/index.ts";
import { backupIntentFile } from "../backup/manifest.ts";
import { AGAIN_NS } from "../chain/array-requests.ts";
import { intentFile } from "../chain/descriptor.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import { giveUpPoint } from "../consolidation/give-up-point.ts";
import { type ArrayView, CowView, lookAtArray } from "../cow/cow-files.ts";
import { deletePoint } from "../cow/delete-point.ts";

export type DropPointParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly pointInTime: string;
};

type State = { tries: number };

type Op = Operation<DropPointParams & PlainObject, State>;

const MOST_TRIES = 60;
/** Another try would end in the same way. */
const FOR_GOOD = ["shared", "no-point-in-time", "not-copy-on-write"];

/** Figures: {kept} says why it is still there; absent: it is gone. Fails with "vm-off". */
export const dropPoint = operation<DropPointParams & PlainObject, State>(
  "drop-point",
  {
    look: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "drop", "again"),

    drop(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const { vm, array, pointInTime } = op.params;
      const configuration = view.configuration(vm);
      if (configuration === undefined) return done({ kept: "no-disks" });
      if (view.files.get(intentFile(vm)) !== undefined) return wait(AGAIN_NS, "again");
      const point = configuration.pointsInTime.find(({ id }) => id === pointInTime)?.disks;
      const names = Object.values(point ?? configuration.running);
      const isCow = names.some((name) => view.files.descriptor(name)?.kind === "cow");
      if (isCow && point === undefined) return done();
      if (isCow) return perform(deletePoint, { vm, array, pointInTime }, "report", "failed");
      // What a merge that was cut short left of it is not listed any more.
      const params = { ...op.params, under: [backupIntentFile(vm)] };
      return perform(giveUpPoint, params as unknown as PlainObject, "reportMerge", "again");
    },

    report: (): Step => done(),

    reportMerge: (_host: Entity, _op: Op, { kept }: { readonly kept?: string }): Step => {
      if (kept === "vm-off") return fail(kept);
      return done(kept === undefined ? {} : { kept });
    },

    failed: (_host: Entity, _op: Op, { code }: Refusal): Step =>
      FOR_GOOD.includes(code) ? done({ kept: code }) : wait(AGAIN_NS, "again"),

    again(_host: Entity, op: Op): Step {
      if (++op.edit().tries >= MOST_TRIES) return done({ kept: "gave-up" });
      return wait(AGAIN_NS, "look");
    },
  },
  () => ({ tries: 0 }),
);
