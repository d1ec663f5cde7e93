/**
 * The rest of a lazy restore at the host that its machine was moved to: it ends when every page is
 * there, and a suspended VM's checkpoint goes then, as it would have at the host where it began.
 */
import {
  ask,
  done,
  type EntityId,
  fail,
  type Entity,
  operation,
  type Operation,
  perform,
  type PlainObject,
  type Refusal,
} from "../../kernel/index.ts";
import { type FileValue, readFileIfAny } from "../../disks/index.ts";
import { type Catalog, catalogFile, entryOf } from "../catalog.ts";
import { forgetCheckpoint } from "./forget.ts";
import type { Restorer } from "./restorer-state.ts";

export type ContinueParams = {
  readonly vm: string;
  readonly restorer: EntityId;
  readonly checkpoint: string;
  readonly array: EntityId;
  readonly volume: string;
};

type ContinueState = { figures: PlainObject };
type Op = Operation<ContinueParams & PlainObject, ContinueState & PlainObject>;

export const continueRestore = operation<ContinueParams & PlainObject, ContinueState & PlainObject>(
  "continue-restore",
  {
    begin: (_host, op: Op) =>
      ask(op.params.restorer, "end", {}, "allThere", { otherwise: "cutShort" }),

    allThere(host, op: Op, figures: PlainObject) {
      op.edit().figures = figures as never;
      removeRestorer(host, op);
      // It was moved again: another host goes on with it.
      if (figures["leftPages"] !== undefined) return done(figures);
      const { vm, array } = op.params;
      return readFileIfAny(array, catalogFile(vm), "forget");
    },

    forget(_host, op: Op, file: FileValue | null) {
      const { vm, array, checkpoint, volume } = op.params;
      const catalog = file?.value as Catalog | undefined;
      const entry = catalog === undefined ? undefined : entryOf(catalog, checkpoint);
      if (entry?.isSuspend !== true) return done(op.state.figures);
      const params = { vm, array, checkpoint, volume };
      return perform(forgetCheckpoint, params, "report", "report");
    },

    report: (_host, op: Op) => done(op.state.figures),

    cutShort(host, op: Op, { code, detail }: Refusal) {
      removeRestorer(host, op);
      return fail(code, detail);
    },
  },
  () => ({ figures: {} }),
);

function removeRestorer({ world }: Entity, { params }: Op): void {
  const made = world.entityOrNone(params.restorer) as Restorer | undefined;
  if (made !== undefined) world.removeTree(made as unknown as Entity);
}
