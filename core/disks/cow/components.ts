/** Operations on copy-on-write disks that may be started while a world runs. */
import type { AnyComponent } from "../../kernel/index.ts";
import { arrayTasks } from "./array-tasks.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";

export const cowComponents: readonly AnyComponent[] = [
  arrayTasks,
  collectGarbage,
  copyHierarchy,
  cowSnapshot,
  deletePoint,
  revert,
] as unknown as readonly AnyComponent[];
