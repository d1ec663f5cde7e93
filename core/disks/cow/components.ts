/** Operations on copy-on-write disks that may be started while a world runs. */
import type { AnyComponent } from "../../kernel/index.ts";
import { arrayTasks } from "./array-tasks.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowLinkedClone } from "./cow-linked-clone.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";
import { splitClone } from "./split-clone.ts";

export const cowComponents: readonly AnyComponent[] = [
  arrayTasks,
  collectGarbage,
  copyHierarchy,
  cowLinkedClone,
  cowSnapshot,
  deletePoint,
  revert,
  splitClone,
] as unknown as readonly AnyComponent[];
