/** All planted bugs. */
import type { Bug } from "./bug.ts";
import { backupBugs } from "./bank/backup.ts";
import { consolidationBugs } from "./bank/consolidation.ts";
import { cowBugs } from "./bank/cow.ts";
import { diskBugs } from "./bank/disks.ts";
import { handoffBugs } from "./bank/handoff.ts";
import { integrityBugs } from "./bank/integrity.ts";
import { kernelBugs } from "./bank/kernel.ts";
import { machineBugs } from "./bank/machines.ts";
import { memoryBugs } from "./bank/memory.ts";
import { platformBugs } from "./bank/platform.ts";
import { rv64Bugs } from "./bank/rv64.ts";
import { traceBugs } from "./bank/traces.ts";

export const bank: readonly Bug[] = [
  ...kernelBugs,
  ...platformBugs,
  ...diskBugs,
  ...cowBugs,
  ...consolidationBugs,
  ...handoffBugs,
  ...backupBugs,
  ...machineBugs,
  ...memoryBugs,
  ...integrityBugs,
  ...rv64Bugs,
  ...traceBugs,
];
