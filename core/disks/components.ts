/**
 * What is first made while a world runs: a fresh world must know it to take over a snapshot. Each
 * operation and each kind of entity of the disks' mechanisms stands here.
 */
import type { AnyComponent } from "../kernel/index.ts";
import { backup } from "./backup/backup.ts";
import { cowBackup } from "./backup/cow-backup.ts";
import { finishBackup } from "./backup/finish-backup.ts";
import { restore } from "./backup/restore.ts";
import { openIntent } from "./chain/open-intent.ts";
import { fenceFile, surelyWrite } from "./chain/surely-write.ts";
import { virtualDisk } from "./chain/virtual-disk.ts";
import { copyPoint } from "./checkpoint/copy-point.ts";
import { diskCheckpoint } from "./checkpoint/disk-checkpoint.ts";
import { cloneRunning, finishClone } from "./clone/clone-running.ts";
import { dropPoint } from "./clone/drop-point.ts";
import { linkedClone } from "./clone/linked-clone.ts";
import { abort } from "./consolidation/abort.ts";
import { blockMergeConsolidate } from "./consolidation/block-merge.ts";
import { iterativeConsolidate } from "./consolidation/iterative.ts";
import { giveUpPoint } from "./consolidation/give-up-point.ts";
import { offlineConsolidate } from "./consolidation/offline-consolidate.ts";
import { consolidate } from "./consolidation/consolidate.ts";
import { cowComponents } from "./cow/components.ts";
import { remoteMedium } from "./local/remote-medium.ts";
import { growDisk } from "./grow/grow-disk.ts";
import { resizeVolumes } from "./grow/resize-volumes.ts";
import { handoffComponents } from "./handoff/components.ts";
import { moveFormat } from "./move/move-format.ts";
import { networkVolume } from "./network/network-volume.ts";
import { powerOn } from "./power/power-on.ts";
import { revertRunning } from "./power/revert-running.ts";
import { powerOff, stun, unpause, unstun } from "./power/power-operations.ts";
import { promote } from "./promotion/promote.ts";
import { RECOVERIES } from "./power/recovery.ts";
import { revertRedo } from "./snapshot/revert-redo.ts";
import { snapshot } from "./snapshot/snapshot.ts";

export const diskComponents: readonly AnyComponent[] = [
  virtualDisk,
  openIntent,
  surelyWrite,
  fenceFile,
  snapshot,
  revertRedo,
  consolidate,
  abort,
  giveUpPoint,
  iterativeConsolidate,
  blockMergeConsolidate,
  offlineConsolidate,
  backup,
  cowBackup,
  finishBackup,
  restore,
  growDisk,
  resizeVolumes,
  copyPoint,
  diskCheckpoint,
  linkedClone,
  cloneRunning,
  finishClone,
  dropPoint,
  promote,
  moveFormat,
  networkVolume,
  remoteMedium,
  ...handoffComponents,
  ...cowComponents,
  powerOn,
  revertRunning,
  powerOff,
  stun,
  unpause,
  unstun,
  ...Object.values(RECOVERIES),
] as unknown as readonly AnyComponent[];
