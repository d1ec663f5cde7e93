/**
 * What every backup does at the repository and about its own intent, whatever the disks are: the
 * manifest is opened as incomplete, the volumes are flushed, one atomic write marks it complete; and
 * what does not become a backup goes again. Before and after these stand the phases of the kinds.
 */
import {
  type AskStep,
  type Entity,
  type EntityId,
  fail,
  go,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
  together,
  wait,
} from "../../kernel/index.ts";
import { AGAIN_NS, askArray, deleteFile } from "../chain/array-requests.ts";
import { askDevice } from "../chain/open-disks.ts";
import { fenceFile, surelyWrite } from "../chain/surely-write.ts";
import type { BackupOp } from "./backup-state.ts";
import { closingIntent } from "./close-intent.ts";
import { type Manifest, manifestFile } from "./manifest.ts";

/** To be spread; they come from "openIntent" and lead to "takeSnapshot", "commit", "giveUpPoint". */
export const repositoryPhases = {
  refuse: (_host: Entity, _op: BackupOp, why: Refusal): Step => fail(why.code, why.detail),

  openManifest(_host: Entity, op: BackupOp, { version }: { version: number }): Step {
    op.edit().intentVersion = version;
    const { repository, backup: id } = op.params;
    const value = op.state.manifest! as unknown as Plain;
    const body = { name: manifestFile(id), value, ifVersion: 0, isFirst: true };
    return askArray(repository.array, "file-write", body, "takeSnapshot", "noManifest");
  },

  /** There is a backup of this name: it is not ours to drop. */
  noManifest(_host: Entity, op: BackupOp, why: Refusal): Step {
    op.edit().failure = why as never;
    return go(why.code === "version-conflict" ? "closeIntent" : "drop");
  },

  flush(_host: Entity, op: BackupOp): Step {
    const flushes = Object.values(op.state.devices).map((device) =>
      askDevice(device, { op: "flush" }, "giveUp"),
    );
    return together(flushes, "commit", "giveUp");
  },

  drop(_host: Entity, op: BackupOp): Step {
    const { repository, backup: id, vm } = op.params;
    return fencesManifest(repository.array, id, vm, "dropManifest");
  },

  /** The manifest first: what it names must be there as long as it is. */
  dropManifest: (_host: Entity, op: BackupOp): Step => ({
    ...deleteFile(op.params.repository.array, manifestFile(op.params.backup), "dropVolumes"),
    otherwise: "dropAgain",
  }),

  dropVolumes(_host: Entity, op: BackupOp): Step {
    const drops = Object.values(op.state.manifest!.disks).map(({ volume: name }) => ({
      ...askArray(op.params.repository.array, "delete-volume", { name }, ""),
      tolerate: ["gone"],
    }));
    return together(drops, "giveUpPoint", "dropAgain");
  },

  dropAgain: (): Step => wait(AGAIN_NS, "drop"),

  ...closingIntent,
};

/**
 * What was written of a manifest, or is still on its way, is the last of it: the manifest goes to
 * `next` as it stays, incomplete where there was none.
 */
export function fencesManifest(array: EntityId, backup: string, vm: string, next: string): Step {
  const absent: Manifest = { backup, vm, base: null, complete: false, disks: {} };
  const params = { array, name: manifestFile(backup), absent } as unknown as PlainObject;
  return perform(fenceFile, params, next);
}

/** The commit marker: from here on the backup counts. Leads to "committed" or "giveUp". */
export function commits(op: BackupOp, value: Manifest): Step {
  const { manifest: before, manifestVersion: version } = op.state;
  const { repository, backup: id } = op.params;
  const params = { array: repository.array, name: manifestFile(id), value, before, version };
  return perform(surelyWrite, params as unknown as PlainObject, "committed", "giveUp");
}

/** A volume at the repository for each disk. Leads to "findPoint" or "giveUp". */
export function createsVolumes(op: BackupOp): Step {
  const { manifest, manifestVersion } = op.state;
  const { array } = op.params.repository;
  return together(repositoryVolumes(array, manifest!, manifestVersion), "findPoint", "giveUp");
}

/**
 * Makes the volumes that a manifest names, as long as it is there as it was written: what comes late
 * finds the manifest fenced or gone, and leaves no volume that nobody knows of.
 */
export function repositoryVolumes(
  array: EntityId,
  { backup, disks }: Manifest,
  version: number,
): readonly AskStep[] {
  const given = { name: manifestFile(backup), version };
  return Object.values(disks).map(({ volume: name, sectors }) =>
    askArray(array, "create-volume", { name, sectors, given }, ""),
  );
}
