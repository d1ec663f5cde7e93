/**
 * Built-in timeline operations: the words of `do`, with their members. Each mechanism adds its own
 * when it exists, never before; what starts them is in `building/operations`.
 */
import type { Extension } from "./extension.ts";
import { backup, restore } from "./operations/backups.ts";
import {
  checkpoint,
  diskCheckpoint,
  mergeCheckpoints,
  restoreCheckpoint,
  resume,
  suspend,
} from "./operations/checkpoints.ts";
import { linkedClone, promote } from "./operations/clones.ts";
import { abort, consolidate } from "./operations/consolidation.ts";
import { evacuate } from "./operations/evacuation.ts";
import { growDisk } from "./operations/grow.ts";
import {
  clone,
  collectGarbage,
  deleteSnapshot,
  migrateDiskFormat,
  revert,
} from "./operations/hierarchies.ts";
import { cancelMigration, migrate } from "./operations/migration.ts";
import { powerOff, powerOn, restart, stun, takeOver, unpause, unstun } from "./operations/power.ts";
import { snapshot } from "./operations/snapshots.ts";

export const builtInOperations: readonly Extension[] = [
  snapshot,
  revert,
  deleteSnapshot,
  clone,
  migrateDiskFormat,
  collectGarbage,
  consolidate,
  abort,
  backup,
  restore,
  diskCheckpoint,
  checkpoint,
  suspend,
  resume,
  restoreCheckpoint,
  mergeCheckpoints,
  linkedClone,
  promote,
  growDisk,
  migrate,
  cancelMigration,
  evacuate,
  powerOn,
  powerOff,
  stun,
  unstun,
  unpause,
  restart,
  takeOver,
];
