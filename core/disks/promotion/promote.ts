/**
 * Promotion of a linked clone to a full one, with a mirror (US 10,585,690).
 *
 * A new base takes in what the clone sees: the shared layers and its own, merged, allocated sectors
 * only and of these no zeros, so that what was thin stays thin. Meanwhile guest writes and discards
 * go to both. Then the disk switches to the new base, and only then does the reference to the shared
 * layers go. Must hold: siblings and parent never notice; before the switch the new base is nobody's
 * and can be dropped; after it the old layers are, so that a crash leaks at worst and never loses.
 *
 * A clone that has points in time of its own is refused, or these are carried over: then the new
 * base takes in the shared part alone, which nothing writes to, and the clone's lowest layer is made
 * to stand on it.
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
  wait,
  type Refusal,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import {
  AGAIN_NS,
  asLongAs,
  askArray,
  removeIntent,
  removeLayer,
  removeLayers,
} from "../chain/array-requests.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import { beginMerge, endMerge } from "../chain/change-layers.ts";
import {
  configurationFile,
  intentFile,
  intentGiven,
  reserving,
  volumeOf,
} from "../chain/descriptor.ts";
import { mapOf } from "../chain/layers.ts";
import { closeDevice, openDevice } from "../chain/open-device.ts";
import { askDevice, askInstance, DRAIN_POLL_NS, whileOpen } from "../chain/open-disks.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { isDrained, isIdle } from "../chain/virtual-disk.ts";
import type { VirtualDiskEntity } from "../chain/virtual-disk-state.ts";
import { COPY_DEPTH, COPY_SECTORS, nextRanges } from "../consolidation/copy-plan.ts";
import { othersOn, planPromotion } from "./plan.ts";
import {
  adoptBase,
  baseDescriptor,
  carriedDescriptor,
  dropTodo,
  ended,
  initialPromotion,
  noteMerge,
  noteUnstunned,
  promotedConfiguration,
  promoting,
  type PromotionOp,
  type PromotionParams,
  type PromotionState,
  sharedVolumes,
  todoOf,
} from "./promotion-state.ts";

export const promote = operation<PromotionParams & PlainObject, PromotionState & PlainObject>(
  "promote",
  {
    begin(host, op: PromotionOp) {
      op.edit().startedNs = host.simulatedNs;
      return scan(op.params.array, "openIntent");
    },

    /** From here on recovery knows of the new bases, and no other operation of this VM begins. */
    openIntent(_host, op: PromotionOp, found: Scan) {
      const { vm, array, carrySnapshots = false } = op.params;
      const files = new ArrayFiles(found);
      const plan = planPromotion(files, vm, carrySnapshots);
      if (!plan.ok) return fail(plan.code, plan.detail);
      const { mode, disks } = plan;
      const intent = { kind: "promote" as const, operation: op.identity, vm, mode, disks };
      const configuration = files.get(configurationFile(vm))!;
      const state = op.edit();
      state.intent = intent as never;
      state.configuration = configuration.value as never;
      state.configurationVersion = configuration.version;
      state.shared = sharedVolumes(files, intent) as never;
      const given = disksAsRead(files, vm);
      return opensIntent(array, intentFile(vm), intent, given, "lookForOthers");
    },

    refuse: (_host, _op: PromotionOp, why: Refusal) => fail(why.code, why.detail),

    lookForOthers(_host, op: PromotionOp, { version }: { version: number }) {
      op.edit().intentVersion = version;
      return scan(op.params.array, "refuseIfShared", "dropBases");
    },

    /** Checked under the intent: a linked clone may have been put on a layer that was nobody else's. */
    refuseIfShared(_host, op: PromotionOp, found: Scan) {
      const others = othersOn(new ArrayFiles(found), op.state.intent!);
      if (others.length === 0) return go("countLayers");
      op.edit().failure = { code: "shared", detail: [...others] };
      return go("dropBases");
    },

    /** The names of the new bases are never given again, whatever becomes of them. */
    countLayers(_host, op: PromotionOp) {
      const { configuration: before, configurationVersion: version } = op.state;
      const name = configurationFile(op.params.vm);
      const value = reserving(before!);
      const params = { array: op.params.array, name, value, before: before!, version };
      return perform(surelyWrite, params as unknown as PlainObject, "counted", "dropBases");
    },

    counted(_host, op: PromotionOp, { written, version }: Written & PlainObject) {
      if (!written) return go("dropBases");
      const state = op.edit();
      state.configurationVersion = version;
      state.configuration = reserving(op.state.configuration!) as never;
      return go("createBases");
    },

    createBases: whileOpen((_host, op: PromotionOp, disks) => {
      const { array } = op.params;
      const given = opened(op);
      const asks = promoting(op, disks).flatMap(({ disk, part }) => {
        const { sectors } = disk.config;
        const value = baseDescriptor(disk, part);
        return [
          askArray(array, "create-volume", { name: volumeOf(part.base), sectors, given }, ""),
          askArray(array, "file-write", { name: part.base, value, given }, ""),
        ];
      });
      return together(asks, "reserveNext", "dropBases");
    }),

    /** One disk after the other: the second may find no space, and the first gives its own back. */
    reserveNext: whileOpen((_host, op: PromotionOp, disks) => {
      const next = promoting(op, disks).find(({ id }) => !op.state.reserved.includes(id));
      if (next === undefined) return go("readAllocation");
      op.edit().reserved.push(next.id);
      const { mode } = op.state.intent!;
      const own = mode === "merge" ? next.disk.volatile.layers.map(({ volume }) => volume) : [];
      const like = [...new Set([...op.state.shared[next.id]!, ...own])];
      const body = { name: volumeOf(next.part.base), like };
      return askArray(op.params.array, "reserve-space", body, "reserveNext", "dropBases");
    }),

    readAllocation(_host, op: PromotionOp) {
      const asks = Object.values(op.state.shared).flatMap((volumes) =>
        volumes.map((name) => askArray(op.params.array, "allocated-ranges", { name }, "")),
      );
      return together(asks, "planCopy", "dropBases");
    },

    planCopy: whileOpen((_host, op: PromotionOp, disks, allocated: readonly Ranges[]) => {
      let next = 0;
      for (const { disk, id } of promoting(op, disks)) {
        const todo = todoOf(disk);
        const shared = allocated.slice(next, (next += op.state.shared[id]!.length));
        for (const { sector, sectors } of shared.flatMap(({ ranges }) => ranges)) {
          todo.writeZeros(sector, sectors);
        }
      }
      if (op.state.intent!.mode === "carry") return go("insertMirror");
      return askInstance(op.params.instance, "stun", "drain", "vmGone");
    }),

    drain: whileOpen((host, op: PromotionOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      return disks.every(isDrained) ? go("insertMirror") : lookAgain(DRAIN_POLL_NS, "drain");
    }),

    insertMirror: whileOpen((_host, op: PromotionOp, disks) => {
      for (const { disk, id, part, to } of promoting(op, disks)) {
        const { access } = op.params.disks.find((each) => each.disk === id)!;
        const { sectors } = disk.config;
        const target = openDevice(disk as unknown as Entity, access, volumeOf(part.base), sectors);
        op.edit().targets[id] = target;
        // The clone's own layers as of now; what is written from here on is mirrored.
        for (let layer = 1; layer <= to; layer++) {
          for (const held of mapOf(disk, layer).allocatedRuns()) {
            todoOf(disk).writeZeros(held.sector, held.sectors);
          }
        }
        beginMerge(disk, { target, layer: -1, from: 0, to }, op.state.stunnedAtNs >= 0);
      }
      if (op.state.stunnedAtNs < 0) return go("copy");
      return askInstance(op.params.instance, "unstun", "unstunned", "vmGone");
    }),

    unstunned(host: Entity, op: PromotionOp) {
      noteUnstunned(op, host.simulatedNs);
      return go("copy");
    },

    /** What the clone sees, range by range; each is locked while it is read and written. */
    copy: whileOpen((_host, op: PromotionOp, disks) => {
      if (op.state.aborted) return go("giveUp");
      const { copySectors = COPY_SECTORS } = op.params;
      for (const { disk, id } of promoting(op, disks)) {
        const from = op.state.cursors[id] ?? 0;
        const { ranges, cursor } = nextRanges(todoOf(disk), from, copySectors, COPY_DEPTH);
        op.edit().cursors[id] = cursor;
        if (ranges.length === 0) continue;
        const copies = ranges.map((range) =>
          askDevice(disk.id, { op: "copy", ...range, whole: false }, "giveUp"),
        );
        return together(copies, "copy", "giveUp");
      }
      return go("settle");
    }),

    settle: whileOpen((_host, op: PromotionOp, disks) => flushTargets(op, disks, "stun")),

    stun: (_host, op: PromotionOp) =>
      askInstance(op.params.instance, "stun", "drainForSwitch", "vmGone"),

    drainForSwitch: whileOpen((host, op: PromotionOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainForSwitch");
      return go("copySuspects");
    }),

    /** Where a write failed on the clone's own layer alone, that layer is what the guest sees. */
    copySuspects: whileOpen((_host, op: PromotionOp, disks) => {
      const copies = promoting(op, disks).flatMap(({ disk }) =>
        disk.volatile.merge!.suspects.map((range) =>
          askDevice(disk.id, { op: "copy", ...range, whole: true }, "giveUp"),
        ),
      );
      return together(copies, "flush", "giveUp");
    }),

    flush: whileOpen((_host, op: PromotionOp, disks) => {
      const failed = promoting(op, disks).find(
        ({ disk }) => (disk.volatile.merge?.failed ?? null) !== null,
      );
      if (failed === undefined) {
        return flushTargets(
          op,
          disks,
          op.state.intent!.mode === "merge" ? "switchOver" : "carryNext",
        );
      }
      const { code } = failed.disk.volatile.merge!.failed!;
      op.edit().failure ??= { code: "target-error", detail: code } as never;
      return go("giveUp");
    }),

    /** The linearization point, for all disks at once: the configuration names the new bases. */
    switchOver(_host, op: PromotionOp) {
      const { array, vm } = op.params;
      const { configuration, configurationVersion: version } = op.state;
      const params = {
        array,
        name: configurationFile(vm),
        value: promotedConfiguration(op),
        before: configuration!,
        version,
      };
      return perform(surelyWrite, params as unknown as PlainObject, "adopt", "giveUp");
    },

    adopt: (_host, _op: PromotionOp, { written }: Written & PlainObject) =>
      go(written ? "follow" : "giveUp"),

    /** A backup may still read through the layers: what it asked for comes first. */
    follow: whileOpen((_host, op: PromotionOp, disks) => {
      if (!disks.every(isIdle)) return lookAgain(DRAIN_POLL_NS, "follow");
      for (const each of promoting(op, disks)) adoptBase(op, each);
      return go("resumeGuest");
    }),

    /** Carried over: each disk's lowest own layer is made to stand on its new base. */
    carryNext: (_host, op: PromotionOp) => scan(op.params.array, "carry", "giveUp"),

    carry: whileOpen((_host, op: PromotionOp, disks, found: Scan) => {
      const next = promoting(op, disks).find(({ id }) => !op.state.switched.includes(id));
      if (next === undefined) return go("resumeGuest");
      const file = new ArrayFiles(found).get(next.part.lowest);
      // Another host has taken the VM over, and ended this.
      if (file === undefined) return fail("superseded");
      const { value, version } = file;
      const params = {
        array: op.params.array,
        name: next.part.lowest,
        value: carriedDescriptor(value, next.part),
        before: value,
        version,
      };
      return perform(surelyWrite, params as unknown as PlainObject, "carried", "giveUp");
    }),

    carried: (_host, _op: PromotionOp, { written }: Written & PlainObject) =>
      go(written ? "followCarried" : "giveUp"),

    followCarried: whileOpen((_host, op: PromotionOp, disks) => {
      if (!disks.every(isIdle)) return lookAgain(DRAIN_POLL_NS, "followCarried");
      adoptBase(
        op,
        promoting(op, disks).find(({ id }) => !op.state.switched.includes(id))!,
      );
      return go("carryNext");
    }),

    resumeGuest: (_host, op: PromotionOp) =>
      askInstance(op.params.instance, "unstun", "removeOld", "removeOld"),

    /** Only now: the clone's reference to the shared layers goes with its own descriptors. */
    removeOld(host: Entity, op: PromotionOp) {
      noteUnstunned(op, host.simulatedNs);
      const { array } = op.params;
      const { intent, switched } = op.state;
      const gone = Object.entries(intent!.disks).flatMap(([id, { base, own }]) => {
        if (!switched.includes(id)) return asLongAs(opened(op), removeLayer(array, base));
        const rest = askArray(array, "reserve-space", { name: volumeOf(base), like: [] }, "");
        const removals = asLongAs(opened(op), removeLayers(array, own));
        return [...removals, { ...rest, tolerate: ["gone"] }];
      });
      return together(gone, "closeIntent", "removeAgain");
    },

    removeAgain: () => wait(AGAIN_NS, "removeOld"),

    closeIntent: (_host, op: PromotionOp) =>
      removeIntent(op.params.array, opened(op), "report", "closeAgain"),

    closeAgain: () => wait(AGAIN_NS, "closeIntent"),

    report: (host, op: PromotionOp) => ended(op, host.simulatedNs),

    /** The disk never was anything but the clone that it was. */
    giveUp(_host, op: PromotionOp, why: Refusal | null) {
      op.edit().failure ??= (why ?? { code: "aborted", detail: null }) as never;
      if (op.state.stunnedAtNs >= 0) return go("drainGivenUp");
      return askInstance(op.params.instance, "stun", "drainGivenUp", "vmGone");
    },

    drainGivenUp: whileOpen((host, op: PromotionOp, disks) => {
      if (op.state.stunnedAtNs < 0) op.edit().stunnedAtNs = host.simulatedNs;
      if (!disks.every(isDrained)) return lookAgain(DRAIN_POLL_NS, "drainGivenUp");
      for (const { disk, id } of promoting(op, disks)) {
        if (op.state.switched.includes(id)) continue;
        noteMerge(op, endMerge(disk));
        closeDevice(disk.world, op.state.targets[id]!);
        dropTodo(disk);
      }
      return go("resumeGuest");
    }),

    dropBases(_host, op: PromotionOp, why: Refusal | null) {
      op.edit().failure ??= (why ?? { code: "failed", detail: null }) as never;
      return go("removeOld");
    },

    vmGone: () => fail("vm-off"),
  },
  () => initialPromotion() as PromotionState & PlainObject,
);

const opened = ({ params, state }: PromotionOp) => intentGiven(params.vm, state.intentVersion);

type Ranges = { readonly ranges: readonly { readonly sector: number; readonly sectors: number }[] };

function flushTargets(op: PromotionOp, disks: readonly VirtualDiskEntity[], next: string) {
  const targets = promoting(op, disks).map(({ id }) =>
    askDevice(op.state.targets[id]!, { op: "flush" }, "giveUp"),
  );
  return together(targets, next, "giveUp");
}
