/**
 * Settles a revert, at the end of the operation itself and after a crash. Committed: the running
 * descriptors are put on the point in time, then the safety snapshots go. Guarded: bases may be
 * torn, so each is reverted to its safety snapshot, whatever became of it. Opened: nothing was
 * reverted; the safety snapshots go.
 *
 * Must hold: a safety snapshot goes only after the base no longer needs it, that is when the
 * descriptors of a revert that stands, or the way back, are durable.
 */
import { type Entity, go, perform, type Step, together } from "../../kernel/index.ts";
import type { DiskDescriptor } from "../chain/descriptor.ts";
import { arrayTasks } from "./array-tasks.ts";
import { type CowView, writeDescriptor } from "./cow-files.ts";
import type { CowRevertIntent } from "./cow-intents.ts";
import { settling, type SettleOp, undoIntent } from "./recovery-loop.ts";

type Todo = {
  readonly intent: CowRevertIntent;
  readonly repoint: readonly Repoint[];
  /** By disk. */
  readonly bases: { readonly [disk: string]: string };
  /** Safety snapshots that are still there: what one is gone for is back already. */
  readonly safety: { readonly [disk: string]: string };
  readonly fence: number;
};

type Repoint = {
  readonly name: string;
  readonly version: number;
  readonly descriptor: DiskDescriptor;
};

const PATIENCE_NS = 60_000_000_000;

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

/** Running descriptors that do not stand on the point in time yet. */
function repoints(view: CowView, { running, target }: CowRevertIntent): Repoint[] {
  return Object.entries(running).flatMap(([disk, name]) => {
    const descriptor = view.files.descriptor(name)!;
    const parent = view.files.descriptor(target[disk]!)!;
    if (descriptor.parent === target[disk] && descriptor.parentCid === parent.cid) return [];
    // A disk that has grown since is as large as it was then; its volume may be larger.
    const { sectors, cid: parentCid } = parent;
    const moved = { ...descriptor, parent: target[disk]!, parentCid, sectors };
    return [{ name, version: view.version(name), descriptor: moved }];
  });
}

function decide(_host: Entity, op: SettleOp, view: CowView): Step {
  const { vm } = op.params;
  const intent = view.intent<CowRevertIntent>(vm)!;
  const bases = Object.fromEntries(
    Object.entries(intent.running).map(([disk, name]) => {
      return [disk, view.files.descriptor(name)!.volume];
    }),
  );
  const repoint = intent.stage === "committed" ? repoints(view, intent) : [];
  const safety = Object.fromEntries(
    Object.entries(intent.safety).filter(([, snapshot]) => view.baseOf(snapshot) !== undefined),
  );
  const todo: Todo = { intent, repoint, bases, safety, fence: op.state.version };
  op.edit().todo = todo as never;
  op.edit().outcome = intent.stage === "committed" ? "forward" : "back";
  if (intent.stage === "committed") return go("repoint");
  if (intent.stage === "undo") return go("goBack");
  return undoIntent(op, intent);
}

export const recoverRevert = settling("recover-revert", decide, {
  repoint(_host, op) {
    const asks = todoOf(op).repoint.map(({ name, descriptor, version }) =>
      writeDescriptor(op.params.array, name, descriptor, version),
    );
    return together(asks, "tell", "again");
  },

  tell(host, op) {
    const { operation: by } = todoOf(op).intent;
    host.notice("disks-replaced", { vm: op.params.vm, by, backup: null });
    return go("close");
  },

  /** The fence: reverts of the operation that was cut short come too late. */
  goBack(_host, op) {
    const { safety, bases, fence } = todoOf(op);
    const tasks = Object.entries(safety).map(([disk, snapshot]) => {
      return { verb: "vasa-revert", body: { base: bases[disk]!, snapshot, fence } };
    });
    if (tasks.length === 0) return go("close");
    const { array } = op.params;
    return perform(arrayTasks, { array, tasks, patienceNs: PATIENCE_NS }, "close", "again");
  },
});
