/** What is first made while a world runs: a fresh world must know it to take over a snapshot. */
import type { AnyComponent } from "../kernel/index.ts";
import { continueRestore } from "./restore/continue-restore.ts";
import { forgetCheckpoint } from "./restore/forget.ts";
import { mergeCheckpoints } from "./merge/merge-checkpoints.ts";
import { restoreCheckpoint } from "./restore/restore-checkpoint.ts";
import { restorer } from "./restore/restorer.ts";
import { checkpoint } from "./save/checkpoint.ts";
import { saver } from "./save/saver.ts";
import { settleCheckpoints } from "./settle.ts";

export const checkpointComponents: readonly AnyComponent[] = [
  saver,
  restorer,
  checkpoint,
  restoreCheckpoint,
  forgetCheckpoint,
  continueRestore,
  mergeCheckpoints,
  settleCheckpoints,
] as unknown as readonly AnyComponent[];
