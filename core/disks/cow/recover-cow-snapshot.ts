/**
 * Settles a copy-on-write snapshot, at the end of the operation itself and after a crash. The stage
 * of the intent decides: committed goes forward, anything else back.
 *
 * Crash table (each row is what may be durable when the work stops before the next step):
 * opened: prepared or taken snapshots, new descriptors that lead to them: back.
 * committed: as before: forward. After swizzle A two descriptors lead to the live base: forward
 * only, a power-on through the old one would write the successor into history. After B, and after
 * the configuration: forward, what is done is found done.
 */
import { type Entity, fail, go, together } from "../../kernel/index.ts";
import type { Hold } from "../../platform/index.ts";
import { asLongAs } from "../chain/array-requests.ts";
import {
  configurationFile,
  type DiskDescriptor,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import {
  type CowView,
  deleteIf,
  hold,
  release,
  releaseHolder,
  writeDescriptor,
  writeIf,
} from "./cow-files.ts";
import { type CowSnapshotIntent, descriptorHolder } from "./cow-intents.ts";
import { asSeen, settling, type SettleOp, type SettlePhase, undoIntent } from "./recovery-loop.ts";

/** What a look found, for the phases after it. */
type Todo = {
  readonly intent: CowSnapshotIntent;
  readonly old: readonly Seen[];
  readonly fresh: readonly Seen[];
  readonly configuration: VmConfiguration;
  readonly configurationVersion: number;
};

type Seen = {
  readonly name: string;
  readonly disk: string;
  readonly descriptor: DiskDescriptor | null;
  readonly version: number;
  readonly base: string;
  readonly snapshot: string;
};

const todoOf = (op: SettleOp): Todo => op.state.todo as unknown as Todo;

function seen(view: CowView, intent: CowSnapshotIntent, names: { [disk: string]: string }): Seen[] {
  return Object.entries(names).map(([disk, name]) => {
    const descriptor = view.files.descriptor(name) ?? null;
    const snapshot = intent.snapshots[disk] ?? "";
    const base = view.baseOf(snapshot) ?? "";
    return { name, disk, descriptor, version: view.version(name), base, snapshot };
  });
}

/** Holds of the descriptors on what they lead to once the swizzles are done. */
const newHolds = ({ old, fresh }: Todo): Hold[] => [
  ...fresh.map(({ name, base }) => ({ vvol: base, holder: descriptorHolder(name) })),
  ...old.map(({ name, snapshot }) => ({ vvol: snapshot, holder: descriptorHolder(name) })),
];

const oldHolds = ({ old, fresh }: Todo): Hold[] => [
  ...fresh.map(({ name, snapshot }) => ({ vvol: snapshot, holder: descriptorHolder(name) })),
  ...old.map(({ name, base }) => ({ vvol: base, holder: descriptorHolder(name) })),
];

/** Makes descriptors lead elsewhere; those that do already are left alone. */
function swizzle(op: SettleOp, all: readonly Seen[], to: "base" | "snapshot", next: string) {
  const asks = all
    .filter((each) => each.descriptor!.volume !== each[to])
    .map((each) => {
      const descriptor = { ...each.descriptor!, volume: each[to] };
      return writeDescriptor(op.params.array, each.name, descriptor, each.version);
    });
  return together(asks, next, "again");
}

export function decideSnapshot(host: Entity, op: SettleOp, view: CowView) {
  const { vm } = op.params;
  const intent = view.intent<CowSnapshotIntent>(vm)!;
  const todo: Todo = {
    intent,
    old: seen(view, intent, intent.from),
    fresh: seen(view, intent, intent.to),
    configuration: view.configuration(vm)!,
    configurationVersion: view.version(configurationFile(vm)),
  };
  op.edit().todo = todo as never;
  if (intent.stage === "committed") {
    const lost = [...todo.old, ...todo.fresh].find(({ descriptor }) => descriptor === null);
    if (lost !== undefined) return fail("missing-descriptor", lost.name);
    op.edit().outcome = "forward";
    const { running } = todo.configuration;
    const switched = todo.fresh.every(({ disk, name }) => running[disk] === name);
    if (!switched) return go("holdBoth");
    tellPoint(host, intent);
    return go("close");
  }
  op.edit().outcome = "back";
  if (intent.stage === "undo") return go("removeDescriptors");
  return undoIntent(op, intent);
}

function tellPoint(host: Entity, { vm, pointInTime, from }: CowSnapshotIntent): void {
  host.notice("point-in-time", { vm, id: pointInTime, descriptors: from, taken: true });
}

/** Phases; the swizzles stand in the order that never leaves a base without a descriptor. */
export const SNAPSHOT_RECOVERY: { readonly [phase: string]: SettlePhase } = {
  /** Both ends are held before anything leads to them. */
  holdBoth: (_host, op) =>
    hold(op.params.array, newHolds(todoOf(op)), asSeen(op), "swizzleNew", "again"),

  swizzleNew: (_host, op) => swizzle(op, todoOf(op).fresh, "base", "swizzleOld"),

  swizzleOld: (_host, op) => swizzle(op, todoOf(op).old, "snapshot", "releaseOld"),

  releaseOld: (_host, op) =>
    release(op.params.array, oldHolds(todoOf(op)), asSeen(op), "switchOver", "again"),

  /** All disks at once run on their new descriptors, and the old ones are a point in time. */
  switchOver(_host, op) {
    const { intent, configuration, configurationVersion } = todoOf(op);
    const { pointInTime: id, from, to } = intent;
    const value: VmConfiguration = {
      ...configuration,
      running: { ...configuration.running, ...to },
      pointsInTime: [...configuration.pointsInTime, { id, disks: from }],
    };
    const name = configurationFile(op.params.vm);
    return writeIf(op.params.array, name, value, configurationVersion, "tell", "again");
  },

  tell(host, op) {
    tellPoint(host, todoOf(op).intent);
    return go("close");
  },

  /** They lead to snapshots that are about to go, or to nothing. */
  removeDescriptors(_host, op) {
    const made = todoOf(op).fresh.filter(({ version }) => version > 0);
    const asks = made.map(({ name, version }) => deleteIf(op.params.array, name, version));
    return together(asks, "releaseMade", "again");
  },

  releaseMade(_host, op) {
    const { fresh } = todoOf(op);
    const holders = fresh.map(({ name }) => descriptorHolder(name));
    const held = holders.map((holder) => releaseHolder(op.params.array, holder));
    return together(asLongAs(asSeen(op), held), "close", "again");
  },
};

export const recoverCowSnapshot = settling(
  "recover-cow-snapshot",
  decideSnapshot,
  SNAPSHOT_RECOVERY,
);
