/**
 * Looks for what nothing leads to: vvols whose holders are descriptors that are gone or lead
 * elsewhere, or intents that are closed; descriptors that no configuration reaches. Such are left
 * when a message of an operation arrives after its recovery.
 *
 * Must hold: what an open intent may yet need stays. A first look finds the VMs that garbage bears
 * the name of; their intents are opened, so that nothing else works on them; what is then seen is
 * what goes. A VM with an intent already is left alone, with all that it or its families refer to.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  type Plain,
  type PlainObject,
  type Step,
  together,
} from "../../kernel/index.ts";
import { cloneHolder, type Hold, type VvolInfo } from "../../platform/index.ts";
import { mentions } from "../chain/array-files.ts";
import { askArray } from "../chain/array-requests.ts";
import { intentFile } from "../chain/descriptor.ts";
import { type ArrayView, CowView, deleteIf, lookAtArray, release, writeIf } from "./cow-files.ts";
import { type CollectIntent, descriptorHolder, intentHolder } from "./cow-intents.ts";
import { settling } from "./recovery-loop.ts";

export type CollectParams = { readonly array: EntityId };

export type Garbage = {
  /** Holds that nothing stands behind. */
  readonly holds: readonly Hold[];
  readonly descriptors: readonly string[];
};

type CollectState = { locked: readonly string[]; found: Garbage; freed: number };

type Op = Operation<CollectParams & PlainObject, CollectState & PlainObject>;

export const COLLECT_PHASES = {
  begin: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "lock", ""),

  lock(_host: Entity, op: Op, answer: ArrayView): Step {
    const view = new CowView(answer);
    const vms = vmsOf(view, garbageOf(view, busyVms(view)));
    op.edit().locked = vms;
    const asks = vms.map((vm) => {
      const common = { operation: op.id, vm, stage: "opened" } as const;
      const intent: CollectIntent = { kind: "collect", ...common };
      const step = writeIf(op.params.array, intentFile(vm), intent, 0);
      return { ...step, tolerate: ["version-conflict"] };
    });
    return together(asks, "lookLocked", "unlock");
  },

  lookLocked(_host: Entity, op: Op, answers: readonly (PlainObject | null)[]): Step {
    op.edit().locked = op.state.locked.filter((_, i) => answers[i] !== null);
    return lookAtArray(op.params.array, "collect", "unlock");
  },

  /** Descriptors first: what they lead to is then led to by nothing. */
  collect(_host: Entity, op: Op, answer: ArrayView): Step {
    const view = new CowView(answer);
    const busy = busyVms(view).filter((vm) => !op.state.locked.includes(vm));
    const found = garbageOf(view, busy);
    op.edit().found = found as never;
    const asks = found.descriptors.map((name) =>
      deleteIf(op.params.array, name, view.version(name)),
    );
    return together(asks, "releaseHolds", "unlock");
  },

  releaseHolds(_host: Entity, op: Op): Step {
    const { holds, descriptors } = op.state.found;
    op.edit().freed = holds.length + descriptors.length;
    return release(op.params.array, holds, "unlock", "unlock");
  },

  unlock(_host: Entity, op: Op): Step {
    const asks = op.state.locked.map((vm) => ({
      ...askArray(op.params.array, "file-delete", { name: intentFile(vm) }, ""),
      tolerate: ["no-file"],
    }));
    return together(asks, "report", "leftLocked");
  },

  report(_host: Entity, op: Op): Step {
    return done({
      freed: op.state.freed,
      descriptors: [...op.state.found.descriptors],
      holds: op.state.found.holds.length,
    });
  },

  leftLocked: (_host: Entity, _op: Op, why: { code: string; detail: Plain }): Step =>
    fail(why.code, why.detail),
};

export const collectGarbage = operation<CollectParams & PlainObject, CollectState & PlainObject>(
  "collect-garbage",
  COLLECT_PHASES,
  () => ({ locked: [], found: { holds: [], descriptors: [] }, freed: 0 }),
);

/** Whatever it was about to collect is garbage still. */
export const recoverCollect = settling("recover-collect", () => go("close"), {});

const INTENT = /^(.*)\.(?:\w+-)?intent$/;

/** VMs with an open intent. */
function busyVms(view: CowView): string[] {
  return view.files.intents().map(([name]) => INTENT.exec(name)?.[1] ?? name);
}

/** What nothing leads to, apart from what belongs to a VM that is being worked on. */
export function garbageOf(view: CowView, busy: readonly string[]): Garbage {
  const reached = reachedFrom(view);
  const isBusy = (name: string): boolean => busy.some((vm) => name.startsWith(`${vm}-`));
  const descriptors = view.files
    .descriptorNames()
    .filter((name) => !reached.has(name) && !isBusy(name))
    .filter((name) => !view.files.intents().some(([, intent]) => mentions(intent, name)));
  const busyFamilies = familiesOf(view, busy, isBusy);
  const gone = new Set(descriptors);
  const holds = view.vvols
    .filter(({ base }) => !busyFamilies.has(base))
    .flatMap((vvol) => staleHolds(view, vvol, gone));
  return { holds, descriptors };
}

/** Families that a busy VM's intent or descriptors refer to. */
function familiesOf(
  view: CowView,
  busy: readonly string[],
  isBusy: (name: string) => boolean,
): ReadonlySet<string> {
  const holds = (holder: string): boolean =>
    busy.some((vm) => holder.startsWith(intentHolder({ vm, operation: "" }))) ||
    isBusy(holder.slice(descriptorHolder("").length));
  const held = view.vvols.filter(({ holders }) => holders.some(holds));
  return new Set(held.map(({ base }) => base));
}

function staleHolds(
  view: CowView,
  { vvol, holders }: VvolInfo,
  gone: ReadonlySet<string>,
): readonly Hold[] {
  const prefix = descriptorHolder("");
  return holders
    .filter((holder) => {
      if (holder.startsWith(cloneHolder(""))) return false; // the array's own business
      if (!holder.startsWith(prefix)) return true; // no intent of that name is open
      const name = holder.slice(prefix.length);
      return gone.has(name) || view.files.descriptor(name)?.volume !== vvol;
    })
    .map((holder) => ({ vvol, holder }));
}

/** Descriptors that some configuration leads to. */
function reachedFrom(view: CowView): ReadonlySet<string> {
  const reached = new Set<string>();
  for (const { running, pointsInTime } of view.files.configurations()) {
    for (const all of [running, ...pointsInTime.map(({ disks }) => disks)]) {
      for (const leaf of Object.values(all)) {
        for (const name of view.files.chainOf(leaf)) reached.add(name);
      }
    }
  }
  return reached;
}

/** VMs whose names stand in garbage: those whose work might still be about it. */
function vmsOf(view: CowView, { holds, descriptors }: Garbage): string[] {
  const words = [
    ...descriptors,
    ...holds.map(({ holder }) => holder.slice(holder.indexOf(":") + 1)),
  ];
  return view.files
    .configurations()
    .map(({ vm }) => vm)
    .filter((vm) => words.some((word) => word.startsWith(`${vm}/`) || word.startsWith(`${vm}-`)));
}
