/**
 * Copies a VM's disks with all their points in time, from differences alone: as another VM's, or in
 * place of themselves in another format (copy-on-write to redo logs, and back). What is copied must
 * stand still: points in time do; what runs does while the VM is off.
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
import { closesDisks } from "../handoff/close-disks.ts";
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { namedDescriptors, namedDisks } from "../chain/descriptor.ts";
import { carryingOut, type CopyState, newCopy, openCopy } from "./carry-out.ts";
import { type ArrayView, CowView, lookAtArray, sharersOfAll } from "./cow-files.ts";
import type { HierarchyIntent } from "./cow-intents.ts";
import { type CopyPlan, type CopyRequest, planCopy } from "./hierarchy-plan.ts";

export type CopyHierarchyParams = CopyRequest & {
  readonly array: EntityId;
  /** Its disks as of when it was off; absent: what runs is not copied. */
  readonly closed?: Unopened;
};

type Op = Operation<CopyHierarchyParams & PlainObject, CopyState & PlainObject>;

/** Why the copy cannot be made, else undefined. */
export function copyProblem(view: CowView, { vm, target }: CopyRequest): Step | undefined {
  const configuration = view.configuration(vm);
  if (configuration === undefined) return fail("no-configuration", vm);
  const names = namedDescriptors(configuration);
  const problem = view.problemOf(names);
  if (problem !== undefined) return problem;
  if (target !== vm) {
    return view.configuration(target) === undefined ? undefined : fail("vm-exists", target);
  }
  const sharers = sharersOfAll(view.files, vm, names);
  return sharers.length > 0 ? fail("shared", sharers) : undefined;
}

/** What goes with them: layers between them, but none that another VM's disks stand on. */
function ownLayers(view: CowView, vm: string, names: readonly string[]): readonly string[] {
  const others = view.files.configurations().filter((each) => each.vm !== vm);
  const leaves = others.flatMap(namedDescriptors);
  const needed = new Set(leaves.flatMap((leaf) => view.files.chainOf(leaf)));
  const below = names.flatMap((name) => view.files.chainOf(name));
  return [...new Set([...names, ...below.filter((name) => !needed.has(name))])];
}

/** What an operation makes durable before it carries the plan out. */
export function copyIntent(
  operationId: string,
  view: CowView,
  { vm, target, disks: only }: CopyRequest,
  plan: CopyPlan,
): HierarchyIntent {
  const own = namedDisks(view.configuration(vm)!).flatMap((each) =>
    Object.entries(each).flatMap(([disk, name]) =>
      only === undefined || only.includes(disk) ? [name] : [],
    ),
  );
  const names = target === vm ? ownLayers(view, vm, own) : [];
  const replaced = names.map((name) => {
    const { volume, kind } = view.files.descriptor(name)!;
    return { descriptor: name, volume: kind === "cow" ? null : volume };
  });
  const common = { operation: operationId, vm, stage: "opened" } as const;
  const { made, configuration } = plan;
  return { kind: "copy-hierarchy", ...common, target, made, configuration, replaced };
}

export const copyHierarchy = operation<CopyHierarchyParams & PlainObject, CopyState & PlainObject>(
  "copy-hierarchy",
  {
    begin: (_host: Entity, op: Op): Step => closesDisks(op.params, "look"),

    look: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "openIntent", ""),

    openIntent(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const { vm, closed } = op.params;
      const problem = copyProblem(view, op.params);
      if (problem !== undefined) return problem;
      if (closed !== undefined && isOpenedSince(view.files, vm, closed)) {
        return fail("vm-starting", vm);
      }
      const plan = planCopy(view, view.configuration(vm)!, op.params);
      if (plan === undefined) return fail("no-point-in-time", op.params.upTo);
      return openCopy(op, view, plan, copyIntent(op.identity, view, op.params, plan));
    },

    ...carryingOut,
  },
  newCopy,
);
