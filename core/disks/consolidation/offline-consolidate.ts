/**
 * Gives up a point in time that no running disk stands on: of a VM that is off, or of a branch off
 * the running chain (a revert leaves one behind). Nothing writes to such layers, so there is no
 * mirror and no stun; but no host has them open under its right to the disk either, and a VM may be
 * powered on at any moment. So nothing that exists is written to: the layer and what stands on it
 * are copied into a new volume, to which nothing leads until the intent is committed.
 *
 * Must hold: a power-on that finds the intent before its commit undoes it for good (it becomes
 * another version, which cannot be committed), and after it finishes it. Descriptors that stand on
 * the child (branches) keep their content, for its name and content id stay. Where a linked clone or
 * a second branch shares a layer it is refused.
 */
import {
  type ContentRun,
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type Plain,
  type PlainObject,
  SectorContent,
  type SectorRange,
  together,
} from "../../kernel/index.ts";
import { isOpenedSince, type Unopened } from "../handoff/unopened.ts";
import { vmOf, type VmRecord } from "../../vmm/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { askArray } from "../chain/array-requests.ts";
import {
  configurationFile,
  descriptorFile,
  intentFile,
  type VmConfiguration,
  volumeOf,
  intentGiven,
  reserving,
} from "../chain/descriptor.ts";
import { closeDevice, openDevice } from "../chain/open-device.ts";
import { askDevice } from "../chain/open-disks.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import { removeMade, writeIf } from "../cow/cow-files.ts";
import type { OfflineMerge, OfflineMergeIntent } from "../cow/cow-intents.ts";
import { endings, noteFailure } from "../cow/endings.ts";
import { COPY_SECTORS } from "./copy-plan.ts";
import { type Plan, planMerges, touchesRunning } from "./plan.ts";
import { recoverOfflineMerge } from "./recover-offline-merge.ts";
import { takeRanges } from "./take-ranges.ts";

export type OfflineParams = {
  readonly vm: string;
  /** The VM's record. */
  readonly record: EntityId;
  readonly array: EntityId;
  /** Carriers to the array, the preferred one first. */
  readonly paths: readonly EntityId[];
  readonly pointInTime: string;
  /** Sectors that are copied at a time. Default: 1,024. */
  readonly copySectors?: number;
  /** Its disks as of when it was off; absent: it may be on, and no layer be among those it runs on. */
  readonly closed?: Unopened;
};

/** One layer that goes into a new volume. */
type Part = { readonly from: string; readonly to: string; left: SectorRange[] };

type State = {
  intent: OfflineMergeIntent | null;
  intentVersion: number;
  /** The names of what is made are this operation's own. */
  isReserved: boolean;
  configuration: VmConfiguration | null;
  configurationVersion: number;
  /** Layers still to be copied; the first one is being copied. */
  parts: Part[];
  /** By volume. */
  devices: { [volume: string]: EntityId };
  copying: SectorRange[];
  copiedSectors: number;
  aborted: boolean;
  failure: { code: string; detail: Plain } | null;
  startedNs: number;
};

type Op = Operation<OfflineParams & PlainObject, State & PlainObject>;

type Held = readonly { readonly ranges: readonly SectorRange[] }[];

type Reads = readonly { readonly runs: readonly ContentRun[] }[];

export const offlineConsolidate = operation<OfflineParams & PlainObject, State & PlainObject>(
  "offline-consolidate",
  {
    begin(host: Entity, op: Op) {
      op.edit().startedNs = host.simulatedNs;
      return scan(op.params.array, "openIntent");
    },

    openIntent(host: Entity, op: Op, found: Scan) {
      const { vm, array, pointInTime } = op.params;
      const files = new ArrayFiles(found);
      const plan = planHere(host, op, files);
      if (!plan.ok) return fail(plan.code, plan.detail as Plain);
      const { closed } = op.params;
      if (closed !== undefined && isOpenedSince(files, vm, closed)) return fail("vm-starting", vm);
      const file = files.get(configurationFile(vm))!;
      const configuration = file.value as VmConfiguration;
      const layer = configuration.layersMade + 1;
      const merges: { [disk: string]: OfflineMerge } = {};
      for (const [disk, merge] of Object.entries(plan.merges)) {
        const volume = merge.child === null ? null : volumeOf(descriptorFile(vm, disk, layer));
        const { sectors } = files.descriptor(merge.child ?? merge.target)!;
        merges[disk] = { ...merge, volume, sectors };
      }
      const common = { operation: op.identity, vm, stage: "opened", pointInTime } as const;
      const intent: OfflineMergeIntent = { kind: "offline-merge", ...common, merges };
      const state = op.edit();
      state.intent = intent as never;
      state.configuration = configuration as never;
      state.configurationVersion = file.version;
      const given = disksAsRead(files, vm);
      return opensIntent(array, intentFile(vm), intent, given, "reserveNames");
    },

    /** The names of what is made are nobody's ever after, whatever becomes of this. */
    reserveNames(_host: Entity, op: Op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      const { array, vm } = op.params;
      const { configuration, configurationVersion } = op.state;
      const value = reserving(configuration!);
      const name = configurationFile(vm);
      return writeIf(array, name, value, configurationVersion, "createVolumes", "trouble");
    },

    /** Not once the intent was settled: nobody would look for what comes later. */
    createVolumes(_host: Entity, op: Op) {
      op.edit().isReserved = true;
      const given = intentGiven(op.params.vm, op.state.intentVersion);
      const asks = bothLayers(op).map(({ volume: name, sectors }) =>
        askArray(op.params.array, "create-volume", { name, sectors, given }, ""),
      );
      return together(asks, "askAllocation", "trouble");
    },

    askAllocation(_host: Entity, op: Op) {
      const asks = bothLayers(op).flatMap(({ targetVolume, childVolume }) =>
        [targetVolume, childVolume].map((name) =>
          askArray(op.params.array, "allocated-ranges", { name }, ""),
        ),
      );
      return together(asks, "openDevices", "trouble");
    },

    /** What the child holds hides what lies below it. */
    openDevices(host: Entity, op: Op, held: Held) {
      bothLayers(op).forEach(({ targetVolume, childVolume, volume, sectors }, i) => {
        const [below, above] = [held[2 * i]!.ranges, held[2 * i + 1]!.ranges];
        const shows = new SectorContent(sectors);
        for (const each of below) shows.writeZeros(each.sector, each.sectors);
        for (const each of above) shows.discard(each.sector, each.sectors);
        const rest = shows
          .allocatedRuns()
          .map(({ sector, sectors: n }) => ({ sector, sectors: n }));
        op.edit().parts.push(
          { from: targetVolume, to: volume, left: rest },
          { from: childVolume!, to: volume, left: above.map((range) => ({ ...range })) },
        );
        for (const name of [targetVolume, childVolume, volume]) {
          op.edit().devices[name] = open(host, op, name, sectors);
        }
      });
      return go("copy");
    },

    copy(_host: Entity, op: Op) {
      if (op.state.aborted) return go("aborted");
      const state = op.edit();
      while (op.state.parts[0]?.left.length === 0) state.parts.shift();
      const part = state.parts[0];
      if (part === undefined) return go("flush");
      const ranges = takeRanges(part.left, op.params.copySectors ?? COPY_SECTORS);
      state.copying = ranges;
      state.copiedSectors += ranges.reduce((sum, { sectors }) => sum + sectors, 0);
      const device = op.state.devices[part.from]!;
      const reads = ranges.map((range) => askDevice(device, { op: "read", ...range }, "trouble"));
      return together(reads, "store", "trouble");
    },

    /** Zeros too: what a redo log holds hides what lies below it. */
    store(_host: Entity, op: Op, found: Reads) {
      const device = op.state.devices[op.state.parts[0]!.to]!;
      const writes = op.state.copying.map((range, i) =>
        askDevice(device, { op: "write", ...range, runs: found[i]!.runs }, "trouble"),
      );
      return together(writes, "copy", "trouble");
    },

    aborted(_host: Entity, op: Op) {
      noteFailure(op, { code: "aborted", detail: null });
      return go("settle");
    },

    flush(_host: Entity, op: Op) {
      const flushes = bothLayers(op).map(({ volume }) =>
        askDevice(op.state.devices[volume]!, { op: "flush" }, "trouble"),
      );
      return together(flushes, "lookForSharers", "trouble");
    },

    lookForSharers: (_host: Entity, op: Op) => scan(op.params.array, "commit", "trouble"),

    /** Checked under the intent: a linked clone may have been taken before it was opened. */
    commit(host: Entity, op: Op, found: Scan) {
      const { array, vm } = op.params;
      const { intent, intentVersion } = op.state;
      const plan = planHere(host, op, new ArrayFiles(found));
      if (!plan.ok) {
        noteFailure(op, { code: plan.code, detail: plan.detail as Plain });
        return go("settle");
      }
      const committed = { ...intent!, stage: "committed" };
      return writeIf(array, intentFile(vm), committed, intentVersion, "settle", "trouble");
    },

    settle(host: Entity, op: Op) {
      closeAll(host, op);
      const { vm, array } = op.params;
      return perform(recoverOfflineMerge, { vm, array, own: op.identity }, "settled", "unsettled");
    },

    /** Somebody else may have settled it: then the layers say how. */
    settled(_host: Entity, op: Op, { outcome }: { outcome: string }) {
      if (outcome === "forward") return go("report");
      return outcome === "back" ? go("failed") : scan(op.params.array, "judge", "unsettled");
    },

    judge(_host: Entity, op: Op, found: Scan) {
      const files = new ArrayFiles(found);
      const { intent } = op.state;
      const merges = Object.values(intent!.merges);
      if (merges.every(({ target }) => files.get(target) === undefined)) return go("report");
      // Nothing was made, and by now the names may be somebody else's.
      if (!op.state.isReserved) return go("failed");
      const made = merges.flatMap(({ volume }) => volume ?? []);
      return removeMade(op.params.array, intent!, [], made, "failed");
    },

    report(host: Entity, op: Op) {
      const { copiedSectors, startedNs, intent } = op.state;
      const { vm, pointInTime } = op.params;
      host.notice("consolidated", { vm, pointInTime, merges: intent!.merges });
      return done({ copiedSectors, durationNs: host.simulatedNs - startedNs });
    },

    ...endings,
  },
  () => ({
    intent: null,
    intentVersion: 0,
    isReserved: false,
    configuration: null,
    configurationVersion: 0,
    parts: [],
    devices: {},
    copying: [],
    copiedSectors: 0,
    aborted: false,
    failure: null,
    startedNs: 0,
  }),
);

/** Refused as well while the VM runs on one of the layers. */
function planHere(host: Entity, op: Op, files: ArrayFiles): Plan {
  const { vm, pointInTime, record } = op.params;
  const plan = planMerges(files, vm, pointInTime, [intentFile(vm)], true);
  if (!plan.ok) return plan;
  const isOn = vmOf(host.world.entity(record) as unknown as VmRecord) !== undefined;
  const configuration = files.get(configurationFile(vm))!.value as VmConfiguration;
  if (!isOn || !touchesRunning(files, configuration, plan.merges)) return plan;
  return { ok: false, code: "vm-on", detail: vm };
}

/** A merge in which two layers become one. */
type Both = OfflineMerge & { readonly childVolume: string; readonly volume: string };

function bothLayers(op: Op): readonly Both[] {
  const merges = Object.values(op.state.intent!.merges);
  return merges.filter((merge): merge is Both => merge.child !== null);
}

function open(host: Entity, op: Op, volume: string, sectors: number): EntityId {
  const { array, paths } = op.params;
  const access = { array, paths, cacheMode: "none" as const, pool: -1, writebackNs: 1 };
  return openDevice(host, access, volume, sectors, false);
}

function closeAll(host: Entity, op: Op): void {
  for (const device of Object.values(op.state.devices)) closeDevice(host.world, device);
  op.edit().devices = {};
}
