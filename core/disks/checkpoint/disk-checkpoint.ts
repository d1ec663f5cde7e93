/**
 * Checkpoint of a running VM's disks on a chain raw <- ck0 <- ck1 (E. Wheeler, "Virtual Machine
 * Checkpointing in High-Availability Environments"). The guest writes to ck0 above a raw disk that
 * nobody changes. At a checkpoint it is stunned for the moment in which ck1 is put on ck0; ck0 is
 * copied to a repository at leisure; then ck1 is committed into ck0.
 *
 * Must hold: what the guest reads goes through ck1 throughout, and ck1 goes only after ck0 was
 * flushed and leads, so a commit that is cut short is begun again and ends in the same place. A copy
 * counts with its commit marker only. Memory and disks share one instant: `atInstant` is asked while
 * the guest is stunned, its disks drained and flushed, before the pivot.
 *
 * The commit: `mirror` lets the guest go on (single-pass consolidation); `metadata` has the array put
 * the blocks of ck1 into ck0's map, nothing is copied; `pause` is the article's, the guest waits
 * until all of ck1 is in ck0: the baseline.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  together,
  wait,
  type Refusal,
} from "../../kernel/index.ts";
import {
  type BackupIntent,
  backupIntentFile,
  backupVolume,
  type Manifest,
  manifestFile,
  type Repository,
} from "../backup/manifest.ts";
import { closesIntent, closingIntent } from "../backup/close-intent.ts";
import { fencesManifest } from "../backup/repository-phases.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { COPY_SECTORS } from "../consolidation/copy-plan.ts";
import { askArray, deleteFile } from "../chain/array-requests.ts";
import { configurationAsRead, opensIntent } from "../chain/open-intent.ts";
import { configurationFile, type VmConfiguration } from "../chain/descriptor.ts";
import { askInstance, type OpenDisk, whileOpen } from "../chain/open-disks.ts";
import { blockMergeConsolidate } from "../consolidation/block-merge.ts";
import { consolidate } from "../consolidation/consolidate.ts";
import { type AtInstant, snapshot } from "../snapshot/snapshot.ts";
import { copyPoint } from "./copy-point.ts";

export type DiskCheckpointParams = {
  readonly vm: string;
  /** Running instance of the VM, in this domain. */
  readonly instance: EntityId;
  /** Entity of the array that keeps the VM's files and volumes. */
  readonly array: EntityId;
  readonly disks: readonly OpenDisk[];
  readonly repository: Repository;
  /** Id of the checkpoint, and of the copy in the repository. */
  readonly checkpoint: string;
  readonly commit: "mirror" | "pause" | "metadata";
  /** What else is saved in the same stun: the memory. */
  readonly atInstant?: AtInstant;
  /** Sectors that are copied at a time. Default: 1,024. */
  readonly copySectors?: number;
};

type CheckpointState = {
  /** What is copied now: first, once for a VM, the raw disk; then ck0. */
  copying: "raw" | "checkpoint";
  /** Copy of the raw disk in the repository. */
  raw: string | null;
  /** The raw disk is a point in time already. */
  isFrozen: boolean;
  manifest: Manifest | null;
  /** As it was read when this began. */
  configurationVersion: number;
  intentVersion: number;
  manifestVersion: number;
  stunNs: number;
  rawSectors: number;
  copiedSectors: number;
  commit: PlainObject | null;
  committingSinceNs: number;
  commitStunNs: number;
  failure: { code: string; detail: Plain } | null;
};

type Op = Operation<DiskCheckpointParams & PlainObject, CheckpointState & PlainObject>;

const AGAIN_NS = 200_000_000;

export const diskCheckpoint = operation<
  DiskCheckpointParams & PlainObject,
  CheckpointState & PlainObject
>(
  "disk-checkpoint",
  {
    begin: (_host, op: Op) => scan(op.params.array, "findRaw"),

    /** The raw disk is a point in time that stays; without it this checkpoint begins with one. */
    findRaw(_host, op: Op, found: Scan) {
      const file = configurationIn(op, found);
      if (file === undefined) return fail("no-disks", op.params.vm);
      const { pointsInTime, layersMade } = file.value as VmConfiguration;
      op.edit().configurationVersion = file.version;
      if (pointsInTime.some(({ id }) => id === op.params.checkpoint)) {
        return fail("point-in-time-exists", op.params.checkpoint);
      }
      const isRaw = (id: string): boolean => id.startsWith(`${op.params.vm}-raw-`);
      const raw = pointsInTime.find(({ id }) => isRaw(id))?.id;
      const state = op.edit();
      state.isFrozen = raw !== undefined;
      state.raw = raw ?? `${op.params.vm}-raw-${layersMade}`;
      return scan(op.params.repository.array, "findRawCopy");
    },

    findRawCopy(_host, op: Op, found: Scan) {
      const { isFrozen, raw } = op.state;
      const copy = new ArrayFiles(found).get(manifestFile(raw!))?.value as Manifest | undefined;
      op.edit().copying = isFrozen && copy?.complete === true ? "checkpoint" : "raw";
      return go("openIntent");
    },

    /** Beside the VM's other intent. What a crash leaves is tidied up when the VM runs again. */
    openIntent: whileOpen((_host, op: Op, disks) => {
      const { vm, repository, array } = op.params;
      const point = pointOf(op);
      const parts = disks.map(({ config }): [string, Manifest["disks"][string]] => {
        const { disk, sectors, grainSectors } = config;
        return [disk, { volume: backupVolume(point, disk), sectors, grainSectors }];
      });
      const base = op.state.copying === "raw" ? null : op.state.raw!;
      const manifest: Manifest = {
        backup: point,
        vm,
        base,
        complete: false,
        disks: Object.fromEntries(parts),
      };
      op.edit().manifest = manifest as never;
      const intent: BackupIntent = {
        kind: "backup",
        operation: op.identity,
        vm,
        pointInTime: point,
        descriptors: disks.map(({ volatile }) => volatile.layers.at(-1)!.descriptor),
        repository: repository.array,
        volumes: parts.map(([, { volume }]) => volume),
      };
      const given = [configurationAsRead(vm, op.state.configurationVersion)];
      return opensIntent(array, backupIntentFile(vm), intent, given, "openManifest");
    }),

    refuse: (_host, _op: Op, why: Refusal) => fail(why.code, why.detail),

    openManifest(_host, op: Op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      const { manifest, copying } = op.state;
      const value = manifest as unknown as Plain;
      // A raw disk that stayed frozen is copied once more, under its name.
      const isFirst = copying === "checkpoint";
      const body = { name: manifestFile(manifest!.backup), value, ifVersion: 0, isFirst };
      return askArray(op.params.repository.array, "file-write", body, "pivot", "noManifest");
    },

    noManifest(_host, op: Op, why: Refusal) {
      op.edit().failure = why as never;
      return go(why.code === "version-conflict" ? "closeIntent" : "drop");
    },

    /** A new, empty layer takes the guest's writes; what was there is frozen, for all disks at once. */
    pivot(_host, op: Op, { version }: { version: number }) {
      op.edit().manifestVersion = version;
      if (op.state.copying === "raw" && op.state.isFrozen)
        return scan(op.params.array, "copyFrozen");
      const { vm, instance, array, disks, atInstant } = op.params;
      const pointInTime = pointOf(op);
      const instant = op.state.copying === "raw" || atInstant === undefined ? {} : { atInstant };
      const params = { vm, instance, array, disks, pointInTime, ...instant };
      return perform(snapshot, params as unknown as PlainObject, "findFrozen", "giveUp");
    },

    findFrozen(_host, op: Op, { stunNs }: { readonly stunNs: number }) {
      op.edit().stunNs = stunNs;
      return scan(op.params.array, "copyFrozen", "giveUp");
    },

    copyFrozen(_host, op: Op, found: Scan) {
      const { vm, array, disks, repository, copySectors = COPY_SECTORS } = op.params;
      const { manifest, manifestVersion } = op.state;
      const points = (configurationIn(op, found)!.value as VmConfiguration).pointsInTime;
      const point = points.find(({ id }) => id === manifest!.backup);
      if (point === undefined) return go("giveUp");
      const layers = point.disks;
      const of = { vm, array, disks, repository, copySectors };
      const baseLayers = points.find(({ id }) => id === manifest!.base)?.disks ?? {};
      const params = { ...of, manifest, manifestVersion, layers, baseLayers };
      return perform(copyPoint, params as unknown as PlainObject, "copied", "giveUp");
    },

    copied(host, op: Op, { copiedSectors }: { readonly copiedSectors: number }) {
      const state = op.edit();
      if (op.state.copying === "raw") {
        state.rawSectors = copiedSectors;
        return go("closeRaw");
      }
      state.copiedSectors = copiedSectors;
      state.committingSinceNs = host.simulatedNs;
      return op.params.commit === "pause" ? go("pauseForCommit") : go("commit");
    },

    /** The raw disk is copied and stays as it is: now the checkpoint itself. */
    closeRaw: (_host, op: Op) => closesIntent(op, "begin", "rawNotClosed"),

    rawNotClosed: (_host, _op: Op, { code }: Refusal) =>
      code === "version-conflict" ? fail("superseded") : wait(AGAIN_NS, "closeRaw"),

    pauseForCommit: (_host, op: Op) =>
      askInstance(op.params.instance, "stun", "commit", "commitFailed"),

    commit(_host, op: Op) {
      const { vm, instance, array, disks, copySectors } = op.params;
      const under = [backupIntentFile(vm)];
      const pointInTime = op.state.manifest!.backup;
      const params = { vm, instance, array, disks, pointInTime, under };
      const sized = copySectors === undefined ? params : { ...params, copySectors };
      const kind = op.params.commit === "metadata" ? blockMergeConsolidate : consolidate;
      return perform(kind, sized as unknown as PlainObject, "committed", "commitFailed");
    },

    committed(host, op: Op, figures: PlainObject) {
      const state = op.edit();
      state.commit = figures as never;
      const paused = host.simulatedNs - op.state.committingSinceNs;
      const isPaused = op.params.commit === "pause";
      state.commitStunNs = isPaused ? paused : (figures["longestStunNs"] as number);
      return go(isPaused ? "goOn" : "closeIntent");
    },

    /** ck1 stays on ck0, and the frozen point stays listed: no write is lost by that. */
    commitFailed(_host, op: Op, why: Refusal) {
      op.edit().commit = { code: why.code } as never;
      if (why.code === "vm-off") return fail(why.code);
      return go(op.params.commit === "pause" ? "goOn" : "closeIntent");
    },

    goOn: (_host, op: Op) =>
      askInstance(op.params.instance, "unstun", "closeIntent", "closeIntent"),

    giveUp(_host, op: Op, why: Refusal | null) {
      op.edit().failure ??= (why ?? { code: "not-frozen", detail: null }) as never;
      return go(why?.code === "vm-off" ? "report" : "drop");
    },

    drop(_host, op: Op) {
      const { repository, vm } = op.params;
      return fencesManifest(repository.array, op.state.manifest!.backup, vm, "dropManifest");
    },

    /** The manifest first: what it names must be there as long as it is. */
    dropManifest: (_host, op: Op) => ({
      ...deleteFile(
        op.params.repository.array,
        manifestFile(op.state.manifest!.backup),
        "dropVolumes",
      ),
      otherwise: "dropAgain",
    }),

    dropVolumes(_host, op: Op) {
      const drops = Object.values(op.state.manifest!.disks).map(({ volume: name }) => ({
        ...askArray(op.params.repository.array, "delete-volume", { name }, ""),
        tolerate: ["gone"],
      }));
      return together(drops, "giveUpPoint", "dropAgain");
    },

    dropAgain: () => wait(AGAIN_NS, "drop"),

    giveUpPoint(_host, op: Op) {
      const { vm, instance, array, disks } = op.params;
      const under = [backupIntentFile(vm)];
      const params = { vm, instance, array, disks, pointInTime: op.state.manifest!.backup, under };
      const next = "closeIntent";
      return perform(consolidate, params as unknown as PlainObject, next, next);
    },

    ...closingIntent,

    report(_host, op: Op) {
      const { failure, stunNs, rawSectors, copiedSectors, commit, commitStunNs } = op.state;
      if (failure !== null) return fail(failure.code, failure.detail as Plain);
      return done({ stunNs, rawSectors, copiedSectors, commitStunNs, commit: commit as Plain });
    },
  },
  () => ({
    copying: "checkpoint",
    raw: null,
    isFrozen: false,
    configurationVersion: 0,
    manifest: null,
    intentVersion: 0,
    manifestVersion: 0,
    stunNs: 0,
    rawSectors: 0,
    copiedSectors: 0,
    commit: null,
    committingSinceNs: 0,
    commitStunNs: 0,
    failure: null,
  }),
);

const pointOf = (op: Op): string =>
  op.state.copying === "raw" ? op.state.raw! : op.params.checkpoint;

const configurationIn = (op: Op, found: Scan) =>
  new ArrayFiles(found).get(configurationFile(op.params.vm));
