/**
 * A linked clone on copy-on-write disks: the disks of a VM that is off become clones of the array's
 * snapshots of another VM's point in time. Nothing is copied; chunks are shared until they are
 * written. The array counts who shares: the point in time can be given up and its VM go on, revert
 * or change its format, and what is shared stays as long as a clone needs it.
 *
 * The clone's descriptors stand on nobody's: what leads to the origin is the clone's own volume.
 * Points in time that the clone has of its own stay, in the family that its disks were of before.
 * A VM may be its own source: so it goes back to a point of such a family.
 */
import {
  type Entity,
  type EntityId,
  fail,
  type Operation,
  operation,
  type PlainObject,
  type Step,
} from "../../kernel/index.ts";
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { contentIdOf, descriptorFile } from "../chain/descriptor.ts";
import { mixedText, replacedLayers } from "../clone/sharers.ts";
import { carryingOut, type CopyState, newCopy, openCopy } from "./carry-out.ts";
import { type ArrayView, CowView, lookAtArray } from "./cow-files.ts";
import type { HierarchyIntent } from "./cow-intents.ts";
import type { CopyPlan, CopyStep } from "./hierarchy-plan.ts";

export type CowLinkedCloneParams = {
  /** VM that keeps the point in time. */
  readonly vm: string;
  readonly pointInTime: string;
  /** VM that is off and whose disks of the same names are replaced. */
  readonly clone: string;
  readonly array: EntityId;
  /** The clone's disks as of when it was off; absent: whoever asks answers for that it is. */
  readonly closed?: Unopened;
};

type Op = Operation<CowLinkedCloneParams & PlainObject, CopyState & PlainObject>;

export const cowLinkedClone = operation<
  CowLinkedCloneParams & PlainObject,
  CopyState & PlainObject
>(
  "cow-linked-clone",
  {
    begin: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "openIntent", ""),

    openIntent(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const problem = problemOf(op, view);
      if (problem !== undefined) return problem;
      const { plan, intent } = planOf(op, view);
      return openCopy(op, view, plan, intent);
    },

    ...carryingOut,
  },
  newCopy,
);

function problemOf(op: Op, view: CowView): Step | undefined {
  const { vm, pointInTime, clone } = op.params;
  const point = view.configuration(vm)?.pointsInTime.find(({ id }) => id === pointInTime);
  if (point === undefined) return fail("no-point-in-time", pointInTime);
  const target = view.configuration(clone);
  if (target === undefined) return fail("no-disks", clone);
  const { closed } = op.params;
  if (closed !== undefined && isOpenedSince(view.files, clone, closed)) {
    return fail("vm-starting", clone);
  }
  const points = target.pointsInTime.flatMap(({ disks }) => Object.values(disks));
  const mixed = points.find((name) => view.files.descriptor(name)?.kind !== "cow");
  if (mixed !== undefined) return fail("mixed-formats", mixedText(mixed, "copy-on-write"));
  for (const [disk, from] of Object.entries(point.disks)) {
    const before = target.running[disk];
    if (before === undefined) return fail("no-such-disk", `${clone}:${disk}`);
    const problem = view.problemOf([from, before]);
    if (problem !== undefined) return problem;
    const [source, own] = [from, before].map((name) => view.files.descriptor(name)!);
    if (source!.kind !== "cow") return fail("not-copy-on-write", from);
    // To a point of its own a disk goes back that has grown since.
    if (clone !== vm && source!.sectors !== own!.sectors)
      return fail("size-mismatch", `${clone}:${disk}`);
  }
  return undefined;
}

/** Nothing of it can go wrong once there is no problem. */
function planOf(op: Op, view: CowView): { plan: CopyPlan; intent: HierarchyIntent } {
  const { vm, pointInTime, clone } = op.params;
  const point = view.configuration(vm)!.pointsInTime.find(({ id }) => id === pointInTime)!;
  const { running, pointsInTime: kept, layersMade } = view.configuration(clone)!;
  const made: { [disk: string]: string } = {};
  const steps: CopyStep[] = [];
  const replaced = Object.entries(point.disks).flatMap(([disk, from]) => {
    const name = descriptorFile(clone, disk, layersMade + 1);
    const source = view.files.descriptor(from)!;
    const as = `<clone of ${from}>`;
    made[disk] = name;
    steps.push({ do: "clone-base", as, label: `${clone}-${disk}`, snapshot: source.volume });
    const own = { ...source, cid: contentIdOf(name), parent: null, parentCid: 0, volume: as };
    steps.push({ do: "describe", name, descriptor: own });
    return replacedLayers(view.files, clone, running[disk]!);
  });
  const configuration = {
    running: { ...running, ...made },
    pointsInTime: kept,
    layersMade: layersMade + 1,
  };
  const names = Object.values(made);
  const pairs = Object.entries(point.disks).map(([disk, from]) => [from, made[disk]!] as const);
  const common = { operation: op.identity, vm: clone, stage: "opened", target: clone } as const;
  const source = { vm, pointInTime };
  return {
    plan: { steps, made: names, configuration, pairs },
    intent: { kind: "copy-hierarchy", ...common, made: names, configuration, replaced, source },
  };
}
