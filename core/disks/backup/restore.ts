/**
 * Restore of a VM that is off: new bases are filled from a backup and, for all disks at once, take
 * the place of what the VM ran on: flat volumes, or copy-on-write ones where the disks are such.
 * Its points in time stay, with the layers or snapshots that they need. Must
 * hold: before the switch nothing of the VM was touched; after it the disks equal the backup.
 */
import {
  type ContentRun,
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  type SectorRange,
  together,
  type Refusal,
} from "../../kernel/index.ts";
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { COPY_SECTORS } from "../consolidation/copy-plan.ts";
import { againOrLeave, asLongAs, askArray, removeIntent } from "../chain/array-requests.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  configurationFile,
  descriptorFile,
  intentFile,
  intentGiven,
  reserving,
  untracked,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import { closeDevice, openDevice } from "../chain/open-device.ts";
import { askDevice } from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { dropLayers, releaseHolder, writeIf } from "../cow/cow-files.ts";
import { intentHolder } from "../cow/cow-intents.ts";
import { exclusiveLayers, isAdopted } from "../clone/sharers.ts";
import type { RestoreIntent } from "./restore-intent.ts";
import { takeRanges } from "../consolidation/take-ranges.ts";
import { createVvols, describeBase, holdVvols, partWrites, type Under } from "./new-bases.ts";
import { backupChain, type Manifest, type Repository } from "./manifest.ts";

export type RestoreParams = {
  /** VM that is off. */
  readonly vm: string;
  readonly backup: string;
  readonly array: EntityId;
  /** Carriers to the array, the preferred one first. */
  readonly paths: readonly EntityId[];
  readonly repository: Repository;
  /** Sectors that are copied at a time. Default: 1,024. */
  readonly copySectors?: number;
  /** Its disks as of when it was off; absent: whoever asks answers for that it is. */
  readonly closed?: Unopened;
};

/** One volume of the backup that goes over a new base. */
type Part = { readonly disk: string; readonly volume: string; readonly sectors: number };

type State = {
  chain: Manifest[];
  intent: RestoreIntent | null;
  intentVersion: number;
  before: VmConfiguration | null;
  version: number;
  /** Of the new bases, by disk. */
  volumes: { [disk: string]: string };
  /** Volumes still to be copied, oldest first; the first one is being copied. */
  parts: Part[];
  left: SectorRange[];
  copying: SectorRange[];
  /** Devices: of the part that is read, and of each new base. */
  from: EntityId;
  to: { [disk: string]: EntityId };
  copiedSectors: number;
  aborted: boolean;
  failure: { code: string; detail: Plain } | null;
  startedNs: number;
};

type Op = Operation<RestoreParams & PlainObject, State & PlainObject>;

export const restore = operation<RestoreParams & PlainObject, State & PlainObject>(
  "restore",
  {
    begin(host, op: Op) {
      op.edit().startedNs = host.simulatedNs;
      return scan(op.params.repository.array, "findBackup");
    },

    findBackup(_host, op: Op, found: Scan) {
      const chain = backupChain(new ArrayFiles(found), op.params.backup);
      if (chain === undefined) return fail("no-backup", op.params.backup);
      op.edit().chain = chain as never;
      return scan(op.params.array, "openIntent");
    },

    openIntent(_host, op: Op, found: Scan) {
      const { vm, array, backup, closed } = op.params;
      const files = new ArrayFiles(found);
      const file = files.get(configurationFile(vm));
      if (file === undefined) return fail("no-disks", vm);
      if (closed !== undefined && isOpenedSince(files, vm, closed)) return fail("vm-starting", vm);
      const before = file.value as VmConfiguration;
      const ids = Object.keys(op.state.chain[0]!.disks);
      const missing = ids.find((id) => before.running[id] === undefined);
      if (missing !== undefined) return fail("no-such-disk", `${vm}:${missing}`);
      const isCow = (name: string): boolean => files.descriptor(name)?.kind === "cow";
      const cow = ids.every((id) => isCow(before.running[id]!));
      const descriptors: { [disk: string]: string } = {};
      for (const id of ids) descriptors[id] = descriptorFile(vm, id, before.layersMade + 1);
      const old = ids
        .flatMap((id) => exclusiveLayers(files, vm, before.running[id]!))
        .map((layer) => (isCow(layer.descriptor) ? { ...layer, volume: null } : layer));
      const common = {
        kind: "restore" as const,
        operation: op.identity,
        vm,
        backup,
        descriptors,
        old,
      };
      const intent: RestoreIntent = cow ? { ...common, cow } : common;
      const state = op.edit();
      state.intent = intent as never;
      state.before = before as never;
      state.version = file.version;
      const given = disksAsRead(files, vm);
      return opensIntent(array, intentFile(vm), intent, given, "countLayers");
    },

    refuse: (_host, _op: Op, why: Refusal) => fail(why.code, why.detail),

    /** The names of the new bases are never given again, whatever becomes of them. */
    countLayers(_host, op: Op, { version: intentVersion }: { version: number }) {
      op.edit().intentVersion = intentVersion;
      const { before, version } = op.state;
      const { array, vm } = op.params;
      const name = configurationFile(vm);
      return writeIf(array, name, reserving(before!), version, "counted", "notCounted");
    },

    /** Nothing was made, and by now the names may be somebody else's. */
    notCounted(_host, op: Op, why: Refusal | null) {
      noteFailure(op, why);
      return go("closeIntent");
    },

    counted(_host, op: Op, { version }: { version: number }) {
      const state = op.edit();
      state.version = version;
      state.before = reserving(op.state.before!) as never;
      return go("createBases");
    },

    createBases(_host, op: Op) {
      if (op.state.intent!.cow === true) {
        return together(createVvols(under(op), parts(op)), "holdBases", "undo");
      }
      const { array } = op.params;
      const given = opened(op);
      const state = op.edit();
      const asks = parts(op).flatMap(([disk, part]) => {
        const { sectors } = part;
        const volume = volumeOf(op.state.intent!.descriptors[disk]!);
        state.volumes[disk] = volume;
        return [
          askArray(array, "create-volume", { name: volume, sectors, given }, ""),
          describeBase(under(op), disk, part, volume),
        ];
      });
      return together(asks, "openBases", "undo");
    },

    /** Names that the array gave; held for descriptors before any of these leads there. */
    holdBases(_host, op: Op, answers: readonly { readonly vvol: string }[]) {
      const state = op.edit();
      parts(op).forEach(([disk], i) => (state.volumes[disk] = answers[i]!.vvol));
      return together(
        holdVvols(op.params.array, op.state.intent!, op.state.volumes),
        "describeBases",
        "undo",
      );
    },

    describeBases(_host, op: Op) {
      const asks = parts(op).map(([disk, part]) =>
        describeBase(under(op), disk, part, op.state.volumes[disk]!),
      );
      return together(asks, "openBases", "undo");
    },

    openBases(host, op: Op) {
      const state = op.edit();
      for (const { disks } of op.state.chain) {
        for (const [disk, { volume, sectors }] of Object.entries(disks)) {
          state.parts.push({ disk, volume, sectors });
        }
      }
      for (const [disk, { sectors }] of Object.entries(op.state.chain.at(-1)!.disks)) {
        state.to[disk] = open(host, op.params, op.state.volumes[disk]!, sectors);
      }
      return go("nextPart");
    },

    nextPart(host, op: Op) {
      if (op.state.aborted) return go("undo");
      const [part] = op.state.parts;
      if (part === undefined) return go("flush");
      op.edit().from = open(host, op.params.repository, part.volume, part.sectors);
      const { array } = op.params.repository;
      return askArray(array, "allocated-ranges", { name: part.volume }, "planPart", "undo");
    },

    planPart(_host, op: Op, { ranges }: { readonly ranges: readonly SectorRange[] }) {
      op.edit().left = ranges.map((range) => ({ ...range }));
      return go("read");
    },

    read(host, op: Op) {
      if (op.state.left.length === 0) {
        closeDevice(host.world, op.state.from);
        const state = op.edit();
        state.from = -1;
        state.parts.shift();
        return go("nextPart");
      }
      const ranges = takeNext(op);
      const reads = ranges.map((range) =>
        askDevice(op.state.from, { op: "read", ...range }, "undo"),
      );
      return together(reads, "write", "undo");
    },

    write(_host, op: Op, found: readonly { readonly runs: readonly ContentRun[] }[]) {
      const device = op.state.to[op.state.parts[0]!.disk]!;
      const writes = op.state.copying.flatMap((range, i) => partWrites(range, found[i]!.runs));
      return together(
        writes.map((write) => askDevice(device, write, "undo")),
        "read",
        "undo",
      );
    },

    flush: (_host, op: Op) =>
      together(
        Object.values(op.state.to).map((device) => askDevice(device, { op: "flush" }, "undo")),
        "switchOver",
        "undo",
      ),

    /** The linearization point, for all disks at once. */
    switchOver(_host, op: Op) {
      const { before, version, intent } = op.state;
      const { array, vm } = op.params;
      const running = { ...before!.running, ...intent!.descriptors };
      const value = { ...untracked(before!), running };
      const params = { array, name: configurationFile(vm), value, before: before!, version };
      return perform(surelyWrite, params as unknown as PlainObject, "switched", "undo");
    },

    switched(host, op: Op, { written }: Written & PlainObject) {
      if (!written) return go("undo");
      closeAll(host, op);
      const { vm, backup } = op.params;
      host.notice("disks-replaced", { vm, by: op.identity, backup });
      return go("removeOld");
    },

    removeOld: (_host, op: Op) =>
      together(
        asLongAs(opened(op), dropLayers(op.params.array, op.state.intent!.old)),
        closing(op),
        "removeAgain",
      ),

    removeAgain: (_host, _op: Op, why: Refusal) => againOrLeave(why, "removeOld"),

    undo(host, op: Op, why: Refusal | null) {
      noteFailure(op, why);
      closeAll(host, op);
      return scan(op.params.array, "removeMade", "undoAgain");
    },

    removeMade(_host, op: Op, found: Scan) {
      const made = Object.values(op.state.intent!.descriptors);
      // A power-on settled it, and went forward.
      if (isAdopted(new ArrayFiles(found), made)) {
        op.edit().failure = null;
        return go("closeIntent");
      }
      const isCow = op.state.intent!.cow === true;
      const layers = made.map((name) => {
        return { descriptor: name, volume: isCow ? null : volumeOf(name) };
      });
      const gone = asLongAs(opened(op), dropLayers(op.params.array, layers));
      return together(gone, closing(op), "undoAgain");
    },

    releaseHeld(_host, op: Op) {
      const held = releaseHolder(op.params.array, intentHolder(op.state.intent!));
      return together(asLongAs(opened(op), [held]), "closeIntent", "releaseAgain");
    },

    releaseAgain: (_host, _op: Op, why: Refusal) => againOrLeave(why, "releaseHeld"),

    undoAgain: (_host, _op: Op, why: Refusal) => againOrLeave(why, "undo"),

    closeIntent: (_host, op: Op) =>
      removeIntent(op.params.array, opened(op), "report", "closeAgain"),

    closeAgain: (_host, _op: Op, why: Refusal) => againOrLeave(why, "closeIntent"),

    report(host, op: Op) {
      const { failure, copiedSectors, startedNs, chain } = op.state;
      if (failure !== null) return fail(failure.code, failure.detail);
      return done({
        copiedSectors,
        backups: chain.length,
        durationNs: host.simulatedNs - startedNs,
      });
    },
  },
  () => ({
    chain: [],
    intent: null,
    intentVersion: 0,
    before: null,
    version: 0,
    volumes: {},
    parts: [],
    left: [],
    copying: [],
    from: -1,
    to: {},
    copiedSectors: 0,
    aborted: false,
    failure: null,
    startedNs: 0,
  }),
);

/** What the intent held goes before it. */
const closing = (op: Op): string => (op.state.intent!.cow === true ? "releaseHeld" : "closeIntent");

const opened = ({ params, state }: Op) => intentGiven(params.vm, state.intentVersion);

const under = ({ params, state }: Op): Under => ({
  array: params.array,
  intent: state.intent!,
  version: state.intentVersion,
});

const parts = (op: Op) => Object.entries(op.state.chain.at(-1)!.disks);

function noteFailure(op: Op, why: Refusal | null): void {
  op.edit().failure ??= (why ?? { code: "aborted", detail: null }) as never;
}

function open(
  host: Entity,
  { array, paths }: Pick<Repository, "array" | "paths">,
  volume: string,
  sectors: number,
): EntityId {
  const access = { array, paths, cacheMode: "none" as const, pool: -1, writebackNs: 1 };
  return openDevice(host, access, volume, sectors);
}

function closeAll(host: Entity, op: Op): void {
  const { to, from } = op.state;
  for (const device of [...Object.values(to), ...(from < 0 ? [] : [from])]) {
    closeDevice(host.world, device);
  }
  const state = op.edit();
  state.to = {};
  state.from = -1;
}

/** The next ranges of this part. */
function takeNext(op: Op): readonly SectorRange[] {
  const state = op.edit();
  const ranges = takeRanges(state.left as SectorRange[], op.params.copySectors ?? COPY_SECTORS);
  state.copiedSectors += ranges.reduce((sum, { sectors }) => sum + sectors, 0);
  state.copying = ranges.map((range) => ({ ...range }));
  return ranges;
}
