/** What must hold of consolidations, beside what holds of every disk. */
import {
  type Entity,
  eventually,
  type Invariant,
  sometimes,
  type World,
} from "../../kernel/index.ts";
import type { ArrayEntity } from "../../platform/index.ts";
import { vmOf, vmRecordOf } from "../../vmm/index.ts";
import type { DiskIntent } from "../chain/descriptor.ts";
import { fileTableOf } from "../chain/file-table.ts";

/** While its VM runs, an open consolidation is being worked on, or soon is again. */
function noneForgotten(entity: Entity, world: World): boolean {
  const { intents } = fileTableOf(entity as unknown as ArrayEntity);
  for (const [name, value] of intents) {
    if (value === undefined || !name.endsWith(".intent")) continue;
    const intent = value as unknown as DiskIntent;
    if (intent.kind !== "consolidate" || isWorkedOn(world, intent.operation)) continue;
    if (vmOf(vmRecordOf(world, intent.vm)) !== undefined) return false;
  }
  return true;
}

const isWorkedOn = (world: World, operation: string): boolean =>
  world.registry.idOf(operation) !== undefined;

const LOST_BEFORE_SWITCH = "power is lost between the flush of a merge and its switch";

export const consolidationInvariants: readonly Invariant[] = [
  eventually(
    "no consolidation is left half done while its VM runs",
    { mechanism: "consolidate", reads: ["array"], withinNs: 5_000_000_000 },
    noneForgotten,
  ),
  sometimes("a guest write hits the range that is being copied", { mechanism: "consolidate" }),
  sometimes(LOST_BEFORE_SWITCH, {
    mechanism: "consolidate",
    observes: {
      "operation-end": (entity, { outcome, phase }, world) => {
        const atSwitch = phase === "switchOver" || phase === "switchNext";
        if (outcome !== "crashed" || !atSwitch) return;
        world.notice(entity, "sometimes", { name: LOST_BEFORE_SWITCH });
      },
    },
  }),
];
