/**
 * Sees to it that a point in time goes, with its layer: for operations that took it for themselves.
 * A consolidation can fail half way (an array that does not answer, a target that fails); then the
 * point in time is listed no more but its layer is still there, and the next try takes that up.
 * What somebody else needs stays.
 */
import {
  done,
  type EntityId,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  wait,
} from "../../kernel/index.ts";
import { AGAIN_NS } from "../chain/array-requests.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import {
  configurationFile,
  intentFile,
  type PointInTime,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { deletePoint } from "../cow/delete-point.ts";
import type { OpenDisk } from "../chain/open-disks.ts";
import { consolidate } from "./consolidate.ts";
import { UNLISTED, unlistedLayers } from "./plan.ts";

export type GiveUpParams = {
  readonly vm: string;
  readonly instance: EntityId;
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly pointInTime: string;
  /** Intent files under which this is a part of a larger operation. */
  readonly under: readonly string[];
};

type State = { tries: number; figures: PlainObject };

type Op = Operation<GiveUpParams & PlainObject, State>;

const MOST_TRIES = 60;
/** Another try would end in the same way. */
const FOR_GOOD = ["shared", "target-shared", "not-a-redo-chain", "target-is-running", "vm-off"];

export const giveUpPoint = operation<GiveUpParams & PlainObject, State>(
  "give-up-point",
  {
    look: (_host, op: Op) => scan(op.params.array, "merge", "again"),

    merge(_host, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { vm, disks, instance, array, under } = op.params;
      const file = files.get(configurationFile(vm));
      if (file === undefined) return done({ kept: "no-disks" });
      if (files.get(intentFile(vm)) !== undefined) return wait(AGAIN_NS, "again");
      const configuration = file.value as VmConfiguration;
      const point = configuration.pointsInTime.find(({ id }) => id === op.params.pointInTime);
      const listed = point !== undefined;
      if (listed && isCow(files, point)) {
        const params = { vm, array, pointInTime: point.id, under };
        return perform(deletePoint, params as unknown as PlainObject, "merged", "failed");
      }
      const left = Object.keys(unlistedLayers(files, configuration)).length > 0;
      if (!listed && !left) return done(op.state.figures);
      const pointInTime = listed ? op.params.pointInTime : UNLISTED;
      const params = { vm, instance, array, disks, pointInTime, under };
      return perform(consolidate, params as unknown as PlainObject, "merged", "failed");
    },

    merged(_host, op: Op, figures: PlainObject) {
      op.edit().figures = figures as never;
      return wait(0, "look");
    },

    failed(_host, _op: Op, { code }: { readonly code: string; readonly detail: Plain }) {
      return FOR_GOOD.includes(code) ? done({ kept: code }) : wait(AGAIN_NS, "again");
    },

    again(_host, op: Op) {
      if (++op.edit().tries >= MOST_TRIES) return done({ kept: "gave-up" });
      return wait(AGAIN_NS, "look");
    },
  },
  () => ({ tries: 0, figures: {} }),
);

/** The array gives it up: nothing is merged. */
const isCow = (files: ArrayFiles, { disks }: PointInTime): boolean =>
  Object.values(disks).every((name) => files.descriptor(name)?.kind === "cow");
