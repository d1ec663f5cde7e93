/**
 * Looks for what nothing leads to: vvols whose holders are descriptors that are gone or lead
 * elsewhere, or intents that are closed; descriptors that no configuration reaches. Such are left
 * when a message of an operation arrives after its recovery.
 *
 * Must hold: what an open intent may yet need stays. A first look finds the VMs that garbage bears
 * the name of; their intents are opened, for the configurations that were read, so that nothing else
 * works on them; what is then seen is what goes. A VM with an intent already is left alone, with all
 * that it or its families refer to; so is one on which an operation has begun and ended since.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  type PlainObject,
  type Refusal,
  type Step,
  together,
  wait,
} from "../../kernel/index.ts";
import { cloneHolder, type Hold, type VvolInfo } from "../../platform/index.ts";
import { mentions } from "../chain/array-files.ts";
import { AGAIN_NS, askArray } from "../chain/array-requests.ts";
import { configurationFile, intentFile, namedDescriptors } from "../chain/descriptor.ts";
import { configurationAsRead, opensIntent } from "../chain/open-intent.ts";
import { type ArrayView, CowView, deleteIf, lookAtArray, release } from "./cow-files.ts";
import { type CollectIntent, descriptorHolder, intentHolder } from "./cow-intents.ts";
import { asSeen, settling } from "./recovery-loop.ts";

export type CollectParams = { readonly array: EntityId };

export type Garbage = {
  /** Holds that nothing stands behind; in the state of the collector: of its last look. */
  readonly holds: readonly Hold[];
  readonly descriptors: readonly string[];
};

/** A VM and a version: of its configuration when it was read, of the intent that was opened. */
type Versioned = { readonly vm: string; readonly version: number };

type CollectState = {
  /** To be locked, in order; and those that are. */
  waiting: readonly Versioned[];
  locked: readonly Versioned[];
  found: Garbage;
  freed: number;
  failure: Refusal | null;
};

type Op = Operation<CollectParams & PlainObject, CollectState & PlainObject>;

export const COLLECT_PHASES = {
  begin: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "lock", ""),

  lock(_host: Entity, op: Op, answer: ArrayView): Step {
    const view = new CowView(answer);
    const vms = vmsOf(view, garbageOf(view, busyVms(view)));
    op.edit().waiting = vms.map((vm) => ({ vm, version: view.version(configurationFile(vm)) }));
    return go("lockNext");
  },

  lockNext(_host: Entity, op: Op): Step {
    const next = op.state.waiting[0];
    if (next === undefined) return go("look");
    const { vm, version } = next;
    const common = { operation: op.identity, vm, stage: "opened" } as const;
    const intent: CollectIntent = { kind: "collect", ...common };
    const given = [configurationAsRead(vm, version)];
    return opensIntent(op.params.array, intentFile(vm), intent, given, "locked");
  },

  locked(_host: Entity, op: Op, { version }: { version: number }): Step {
    const [{ vm }, ...waiting] = op.state.waiting as [Versioned, ...Versioned[]];
    const state = op.edit();
    state.locked = [...op.state.locked, { vm, version }];
    state.waiting = waiting;
    return go("lockNext");
  },

  /** Somebody works on it, or did. */
  refuse(_host: Entity, op: Op, why: Refusal): Step {
    if (why.code !== "version-conflict") {
      op.edit().failure = why as never;
      return go("unlock");
    }
    op.edit().waiting = op.state.waiting.slice(1);
    return go("lockNext");
  },

  /** Descriptors first: what they lead to is then led to by nothing. */
  collect(_host: Entity, op: Op, answer: ArrayView): Step {
    const view = new CowView(answer);
    const isHeld = ({ vm, version }: Versioned) => view.version(intentFile(vm)) === version;
    const held = op.state.locked.filter(isHeld).map(({ vm }) => vm);
    const found = lockedGarbage(view, held);
    const { descriptors } = op.state.found;
    const more = found.descriptors.filter((name) => !descriptors.includes(name));
    const state = op.edit();
    state.found = { holds: found.holds, descriptors: [...descriptors, ...more] } as never;
    state.freed += more.length;
    return removeDescriptors(op.params.array, view, found, "releaseHolds", "lookAgain");
  },

  releaseHolds(_host: Entity, op: Op): Step {
    const holds = [...op.state.found.holds];
    const step = askArray(op.params.array, "vasa-release", { holds }, "released", "lookAgain");
    return { ...step, tolerate: ["not-supported"] };
  },

  released(_host: Entity, op: Op): Step {
    op.edit().freed += op.state.found.holds.length;
    return go("unlock");
  },

  /** Half done, what a descriptor held is held by nothing: it goes on as long as the array is away. */
  lookAgain: (): Step => wait(AGAIN_NS, "look"),

  look: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "collect", "lookAgain"),

  unlock(_host: Entity, op: Op): Step {
    const asks = op.state.locked.map(({ vm, version }) => ({
      ...askArray(op.params.array, "file-delete", { name: intentFile(vm), ifVersion: version }, ""),
      tolerate: ["no-file", "version-conflict"],
    }));
    return together(asks, "report", "unlockAgain");
  },

  report(_host: Entity, op: Op): Step {
    const { failure } = op.state;
    if (failure !== null) return fail(failure.code, failure.detail);
    return done({
      freed: op.state.freed,
      descriptors: [...op.state.found.descriptors],
      holds: op.state.found.holds.length,
    });
  },

  /** As long as it is there no other operation of that VM can begin. */
  unlockAgain: (): Step => wait(AGAIN_NS, "unlock"),
};

export const collectGarbage = operation<CollectParams & PlainObject, CollectState & PlainObject>(
  "collect-garbage",
  COLLECT_PHASES,
  () => ({
    waiting: [],
    locked: [],
    found: { holds: [], descriptors: [] },
    freed: 0,
    failure: null,
  }),
);

type Todo = { readonly found: Garbage };

/** What bears the VM's name goes: a descriptor may be gone already whose hold is not. */
export const recoverCollect = settling(
  "recover-collect",
  (_host, op, view) => {
    const found = lockedGarbage(view, [op.params.vm]);
    op.edit().todo = { found } as never;
    op.edit().outcome = "forward";
    return removeDescriptors(op.params.array, view, found, "releaseHolds", "again");
  },
  {
    releaseHolds(_host, op) {
      const { holds } = (op.state.todo as unknown as Todo).found;
      const step = release(op.params.array, holds, asSeen(op), "close", "again");
      return { ...step, tolerate: ["not-supported"] };
    },
  },
);

function removeDescriptors(
  array: EntityId,
  view: CowView,
  { descriptors }: Garbage,
  next: string,
  otherwise: string,
): Step {
  const asks = descriptors.map((name) => deleteIf(array, name, view.version(name)));
  return together(asks, next, otherwise);
}

/** What bears the names of these VMs, whose intents keep everybody off, or of none that there is. */
function lockedGarbage(view: CowView, held: readonly string[]): Garbage {
  const others = (all: readonly string[]) => all.filter((vm) => !held.includes(vm));
  const { holds, descriptors } = garbageOf(view, others(busyVms(view)));
  const unlocked = others(view.files.configurations().map(({ vm }) => vm));
  const isFree = (word: string): boolean => !unlocked.some((vm) => bears(word, vm));
  return {
    holds: holds.filter(({ holder }) => isFree(wordOf(holder))),
    descriptors: descriptors.filter(isFree),
  };
}

const wordOf = (holder: string): string => holder.slice(holder.indexOf(":") + 1);

/** Whether a descriptor's name, or what an intent's holder says after its colon, is of a VM. */
const bears = (word: string, vm: string): boolean =>
  word.startsWith(`${vm}/`) || word.startsWith(`${vm}-`);

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
  for (const configuration of view.files.configurations()) {
    for (const leaf of namedDescriptors(configuration)) {
      for (const name of view.files.chainOf(leaf)) reached.add(name);
    }
  }
  return reached;
}

/** VMs whose names stand in garbage: those whose work might still be about it. */
function vmsOf(view: CowView, { holds, descriptors }: Garbage): string[] {
  const words = [...descriptors, ...holds.map(({ holder }) => wordOf(holder))];
  return view.files
    .configurations()
    .map(({ vm }) => vm)
    .filter((vm) => words.some((word) => bears(word, vm)));
}
