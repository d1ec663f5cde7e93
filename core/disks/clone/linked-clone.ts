/**
 * A linked clone: the disks of a VM that is off become redo logs on a point in time of another VM.
 * Nothing is copied; from then on the two share everything up to that point in time, which cannot
 * be given up before the clone is promoted or its disks are replaced. Points in time that the clone
 * has of its own stay, on the layers that they are kept on; what its disks were is replaced in
 * whatever format it was.
 *
 * The clone's intent names the descriptors that it is about to stand on, down to the bases, and is
 * durable before anybody is looked at; an operation that wants to change one of them opens its own
 * intent first and then looks for this one. So of two that meet at least one is refused. The clone's
 * configuration is the one pointer that swings, for all its disks at once.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type Plain,
  type PlainObject,
  together,
  type Refusal,
} from "../../kernel/index.ts";
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { ArrayFiles, mentions, type Scan, scan } from "../chain/array-files.ts";
import {
  againOrLeave,
  asLongAs,
  askArray,
  removeIntent,
  removeLayer,
} from "../chain/array-requests.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  configurationFile,
  contentIdOf,
  type DiskDescriptor,
  descriptorFile,
  intentFile,
  intentGiven,
  redoOn,
  reserving,
  untracked,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { dropLayers, makeDescriptor, writeIf } from "../cow/cow-files.ts";
import type { LinkedCloneIntent } from "./intent.ts";
import { type HeldLayer, isAdopted, mixedText, replacedLayers } from "./sharers.ts";

export type LinkedCloneParams = {
  /** VM that keeps the point in time. */
  readonly vm: string;
  readonly pointInTime: string;
  /** VM that is off and whose disks of the same names are replaced. */
  readonly clone: string;
  readonly array: EntityId;
  /** The clone's disks as of when it was off; absent: whoever asks answers for that it is. */
  readonly closed?: Unopened;
};

type State = {
  intent: LinkedCloneIntent | null;
  intentVersion: number;
  before: VmConfiguration | null;
  version: number;
  made: readonly { readonly name: string; readonly descriptor: DiskDescriptor }[];
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<LinkedCloneParams & PlainObject, State & PlainObject>;

export const linkedClone = operation<LinkedCloneParams & PlainObject, State & PlainObject>(
  "linked-clone",
  {
    begin: (_host, op) => scan(op.params.array, "openIntent"),

    openIntent(_host, op, found: Scan) {
      const files = new ArrayFiles(found);
      const plan = planClone(files, op);
      if (!plan.ok) return fail(plan.code, plan.detail);
      op.edit().intent = plan.intent as never;
      const { array, clone } = op.params;
      const given = disksAsRead(files, clone);
      return opensIntent(array, intentFile(clone), plan.intent, given, "lookForOthers");
    },

    refuse: (_host, _op, { code, detail }: Refusal) => fail(code, detail),

    lookForOthers(_host, op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      return scan(op.params.array, "refuseIfBusy", "notReserved");
    },

    /** Checked under the intent: the point in time may have been given up, or be about to be. */
    refuseIfBusy(_host, op, found: Scan) {
      const files = new ArrayFiles(found);
      const plan = planClone(files, op);
      const state = op.edit();
      if (plan.ok) {
        const busy = changing(files, plan.intent);
        if (busy.length > 0) state.failure = { code: "source-busy", detail: busy };
      } else state.failure = { code: plan.code, detail: plan.detail };
      if (state.failure !== null) return go("closeIntent");
      const file = files.get(configurationFile(op.params.clone))!;
      state.before = file.value as never;
      state.version = file.version;
      state.made = redoLogs(files, op.state.intent!) as never;
      return go("reserveNames");
    },

    /** The names of what is made are nobody's ever after, whatever becomes of this. */
    reserveNames(_host, op) {
      const { before, version } = op.state;
      const { array, clone } = op.params;
      const name = configurationFile(clone);
      return writeIf(array, name, reserving(before!), version, "reserved", "notReserved");
    },

    /** Nothing was made, and by now the names may be somebody else's. */
    notReserved(_host, op, why: Refusal | null) {
      noteFailure(op, why);
      return go("closeIntent");
    },

    reserved(_host, op, { version }: { version: number }) {
      const state = op.edit();
      state.version = version;
      state.before = reserving(op.state.before!) as never;
      return go("createAll");
    },

    /** Not once the intent was settled: nobody would look for what comes later. */
    createAll(_host, op) {
      const { array } = op.params;
      const given = opened(op);
      const asks = op.state.made.flatMap(({ name, descriptor }) => {
        const volume = { name: volumeOf(name), sectors: descriptor.sectors, given };
        return [
          askArray(array, "create-volume", volume, ""),
          makeDescriptor(array, name, descriptor, given),
        ];
      });
      return together(asks, "switchOver", "undo");
    },

    switchOver(_host, op) {
      const { before, version } = op.state;
      const { array, clone } = op.params;
      const name = configurationFile(clone);
      const params = { array, name, value: switched(op), before: before!, version };
      return perform(surelyWrite, params as unknown as PlainObject, "switched", "undo");
    },

    switched(host, op, { written }: Written & PlainObject) {
      if (!written) return go("undo");
      host.notice("disks-replaced", { vm: op.params.clone, by: op.identity, backup: null });
      return go("removeOld");
    },

    /** What the clone's disks were before, unless somebody else stands on it. */
    removeOld: (_host, op) =>
      together(
        asLongAs(opened(op), dropLayers(op.params.array, op.state.intent!.old)),
        "closeIntent",
        "removeAgain",
      ),

    removeAgain: (_host, _op, why: Refusal) => againOrLeave(why, "removeOld"),

    undo(_host, op, why: Refusal | null) {
      noteFailure(op, why);
      return scan(op.params.array, "removeMade", "undoAgain");
    },

    removeMade(_host, op, found: Scan) {
      const made = Object.values(op.state.intent!.descriptors);
      // A power-on settled it, and went forward.
      if (isAdopted(new ArrayFiles(found), made)) {
        op.edit().failure = null;
        return go("closeIntent");
      }
      const gone = made.flatMap((name) => removeLayer(op.params.array, name));
      return together(asLongAs(opened(op), gone), "closeIntent", "undoAgain");
    },

    undoAgain: (_host, _op, why: Refusal) => againOrLeave(why, "undo"),

    closeIntent: (_host, op) => removeIntent(op.params.array, opened(op), "report", "closeAgain"),

    closeAgain: (_host, _op, why: Refusal) => againOrLeave(why, "closeIntent"),

    report(_host, op) {
      const { failure, intent } = op.state;
      if (failure !== null) return fail(failure.code, failure.detail as Plain);
      return done({ disks: Object.keys(intent!.descriptors).length });
    },
  },
  () => ({ intent: null, intentVersion: 0, before: null, version: 0, made: [], failure: null }),
);

const opened = ({ params, state }: Op) => intentGiven(params.clone, state.intentVersion);

/** Open intents that are about to change what the clone is to stand on; other clones are not. */
const changing = (files: ArrayFiles, { targets, below }: LinkedCloneIntent): string[] =>
  files
    .intents()
    .filter(([, value]) => value["kind"] !== "linked-clone")
    .filter(([, value]) => [...Object.values(targets), ...below].some((on) => mentions(value, on)))
    .map(([name]) => name);

type Plan =
  | { readonly ok: true; readonly intent: LinkedCloneIntent }
  | { readonly ok: false; readonly code: string; readonly detail: string };

function planClone(files: ArrayFiles, op: Op): Plan {
  const { vm, pointInTime, clone } = op.params;
  const refused = (code: string, detail: string): Plan => ({ ok: false, code, detail });
  const source = files.get(configurationFile(vm))?.value as VmConfiguration | undefined;
  const target = files.get(configurationFile(clone))?.value as VmConfiguration | undefined;
  const point = source?.pointsInTime.find(({ id }) => id === pointInTime);
  if (point === undefined) return refused("no-point-in-time", pointInTime);
  if (target === undefined) return refused("no-disks", clone);
  const { closed } = op.params;
  if (closed !== undefined && isOpenedSince(files, clone, closed)) {
    return refused("vm-starting", clone);
  }
  const points = target.pointsInTime.flatMap(({ disks }) => Object.values(disks));
  const mixed = points.find((name) => files.descriptor(name)?.kind === "cow");
  if (mixed !== undefined) return refused("mixed-formats", mixedText(mixed, "redo logs"));
  const descriptors: { [disk: string]: string } = {};
  const old: HeldLayer[] = [];
  for (const [disk, descriptor] of Object.entries(point.disks)) {
    const before = target.running[disk];
    if (before === undefined) return refused("no-such-disk", `${clone}:${disk}`);
    const sizes = [descriptor, before].map((name) => files.descriptor(name)?.sectors);
    if (sizes[0] !== sizes[1]) return refused("size-mismatch", `${clone}:${disk}`);
    if (files.descriptor(descriptor)?.kind === "cow")
      return refused("not-a-redo-chain", descriptor);
    descriptors[disk] = descriptorFile(clone, disk, target.layersMade + 1);
    old.push(...replacedLayers(files, clone, before));
  }
  const targets = point.disks;
  const below = Object.values(targets).flatMap((target) => files.chainOf(target).slice(1));
  const common = { operation: op.identity, vm: clone, source: vm } as const;
  return {
    ok: true,
    intent: { kind: "linked-clone", ...common, targets, below, descriptors, old },
  };
}

/** New, empty redo logs on the point in time, with content ids of their own. */
const redoLogs = (files: ArrayFiles, { descriptors, targets }: LinkedCloneIntent) =>
  Object.entries(descriptors).map(([disk, name]) => {
    const redo = redoOn(name, targets[disk]!, files.descriptor(targets[disk]!)!);
    return { name, descriptor: { ...redo, cid: contentIdOf(name) } };
  });

function noteFailure(op: Op, why: Refusal | null): void {
  op.edit().failure ??= (why ?? { code: "not-switched", detail: null }) as never;
}

function switched({ state }: Op): VmConfiguration {
  const { before, intent } = state;
  return {
    ...untracked(before!),
    running: { ...before!.running, ...intent!.descriptors },
  };
}
