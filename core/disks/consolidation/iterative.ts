/**
 * Consolidation in rounds, the older way and the baseline: a helper delta takes the guest's writes
 * while the delta below it, to which nobody writes any more, is copied down. Then the helper is the
 * delta of the next round, and so on until one is small enough to be copied while the guest waits.
 *
 * Each round is a whole consolidation of a frozen layer, so a crash leaves a chain that reads right.
 * A guest that writes faster than the copier copies never makes it small: after `maxRounds` what is
 * left is copied in a stun, however long that takes.
 */
import {
  type Entity,
  fail,
  go,
  operation,
  perform,
  type PlainObject,
  together,
  lookAgain,
  type Refusal,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { asLongAs, askArray, removeLayer } from "../chain/array-requests.ts";
import { pushLayer } from "../chain/change-layers.ts";
import {
  configurationFile,
  descriptorFile,
  descriptorFileOf,
  redoOn,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import { mapOf } from "../chain/layers.ts";
import { openDevice } from "../chain/open-device.ts";
import { askDevice, askInstance, DRAIN_POLL_NS, whileOpen } from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { isDrained } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { closingPhases } from "./closing.ts";
import { passPhases } from "./consolidate.ts";
import {
  type ConsolidationOp,
  type ConsolidationParams,
  type ConsolidationState,
  initialConsolidation,
  intentOf,
  mergingDisks,
  noteUnstunned,
} from "./consolidation-state.ts";
import { openingPhases } from "./opening.ts";

const MAX_ROUNDS = 8;
const ENOUGH_SECTORS = 2_048;

export const iterativeConsolidate = operation<
  ConsolidationParams & PlainObject,
  ConsolidationState & PlainObject
>(
  "consolidate-iterative",
  {
    ...openingPhases("iterative", "prepare"),

    /** Small enough, or no hope: the rest in a stun. Else another round under a helper. */
    prepare: whileOpen((_host, op: ConsolidationOp, disks) => {
      op.edit().takesAll = true;
      const merging = mergingDisks(op, disks);
      if (merging.length === 0) return go("removeDelta");
      const live = merging.filter(({ disk, layer }) => isTop(disk, layer));
      if (live.length === 0) return go("insertMirror");
      const { maxRounds = MAX_ROUNDS, enoughSectors = ENOUGH_SECTORS } = op.params;
      const left = live.reduce(
        (sum, { disk, layer }) => sum + mapOf(disk, layer).allocatedSectors,
        0,
      );
      if (left > enoughSectors && op.state.rounds < maxRounds) {
        return scan(op.params.array, "makeHelpers", "giveUp");
      }
      op.edit().staysStunned = true;
      return askInstance(op.params.instance, "stun", "drainForRest", "vmGone");
    }),

    drainForRest: whileOpen((host, op: ConsolidationOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      return disks.every(isDrained) ? go("insertMirror") : lookAgain(DRAIN_POLL_NS, "drainForRest");
    }),

    makeHelpers: whileOpen((_host, op: ConsolidationOp, disks, found: Scan) => {
      const files = new ArrayFiles(found);
      const { vm, array } = op.params;
      const configuration = files.get(configurationFile(vm))!;
      const state = op.edit();
      state.configuration = configuration.value as never;
      state.configurationVersion = configuration.version;
      const given = intentOf(op);
      const asks = helpersOf(op, disks).flatMap(({ id, helper, disk }) => {
        const parent = op.state.merges[id]!.child!;
        const below = files.descriptor(parent);
        if (below === undefined) return [];
        const value = descriptorFileOf(redoOn(helper, parent, below));
        const { sectors } = disk.config;
        return [
          askArray(array, "create-volume", { name: volumeOf(helper), sectors, given }, ""),
          askArray(array, "file-write", { name: helper, value, given }, ""),
        ];
      });
      return together(asks, "stunForHelpers", "dropHelpers");
    }),

    stunForHelpers: (_host, op: ConsolidationOp) =>
      askInstance(op.params.instance, "stun", "drainForHelpers", "vmGone"),

    drainForHelpers: whileOpen((host, op: ConsolidationOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainForHelpers");
      const flushes = disks.map(({ id }) => askDevice(id, { op: "flush" }, "dropHelpers"));
      return together(flushes, "switchToHelpers", "dropHelpers");
    }),

    switchToHelpers: whileOpen((_host, op: ConsolidationOp, disks) => {
      const { configuration: before, configurationVersion: version } = op.state;
      const running = { ...before!.running };
      for (const { id, helper } of helpersOf(op, disks)) running[id] = helper;
      const value: VmConfiguration = { ...before!, running, layersMade: before!.layersMade + 1 };
      const name = configurationFile(op.params.vm);
      const params = { array: op.params.array, name, value, before: before!, version };
      return perform(surelyWrite, params as unknown as PlainObject, "pushHelpers", "dropHelpers");
    }),

    pushHelpers: whileOpen(
      (_host, op: ConsolidationOp, disks, { written }: Written & PlainObject) => {
        if (!written) return go("dropHelpers");
        for (const { disk, id, helper } of helpersOf(op, disks)) {
          const { access } = op.params.disks.find((each) => each.disk === id)!;
          const volume = volumeOf(helper);
          const device = openDevice(disk as unknown as Entity, access, volume, disk.config.sectors);
          pushLayer(disk, { descriptor: helper, volume, kind: "redo", device }, []);
        }
        return askInstance(op.params.instance, "unstun", "goOnUnderHelpers", "vmGone");
      },
    ),

    goOnUnderHelpers(host: Entity, op: ConsolidationOp) {
      noteUnstunned(op, host.simulatedNs);
      return go("insertMirror");
    },

    dropHelpers: whileOpen((_host, op: ConsolidationOp, disks, why: Refusal | null) => {
      op.edit().failure ??= (why ?? { code: "no-helper", detail: null }) as never;
      const gone = helpersOf(op, disks).flatMap(({ helper }) =>
        removeLayer(op.params.array, helper),
      );
      return together(asLongAs(intentOf(op), gone), "giveUp", "giveUp");
    }),

    ...passPhases,
    ...closingPhases,

    vmGone: () => fail("vm-off"),
  },
  () => initialConsolidation() as ConsolidationState & PlainObject,
);

const isTop = (disk: VirtualDiskEntity, layer: number): boolean =>
  layer === disk.volatile.layers.length - 1;

/** The helper of each disk whose delta the guest still writes to. */
function helpersOf(op: ConsolidationOp, disks: readonly VirtualDiskEntity[]) {
  const { layersMade } = op.state.configuration!;
  return mergingDisks(op, disks)
    .filter(({ disk, layer }) => isTop(disk, layer))
    .map((each) => ({ ...each, helper: descriptorFile(op.params.vm, each.id, layersMade + 1) }));
}
