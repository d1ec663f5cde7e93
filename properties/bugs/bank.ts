/** All planted bugs. */
import type { Bug } from "./bug.ts";
import { consolidationBugs } from "./bank/consolidation.ts";
import { diskBugs } from "./bank/disks.ts";
import { kernelBugs } from "./bank/kernel.ts";
import { platformBugs } from "./bank/platform.ts";

export const bank: readonly Bug[] = [
  ...kernelBugs,
  ...platformBugs,
  ...diskBugs,
  ...consolidationBugs,
];
