/** Starts what the timeline names: built-in operations on VMs, and the scenario's own. */
import { type PlainObject } from "../../../core/kernel/index.ts";
import type { Extension } from "../../schema/extension.ts";
import type { ResolvedTimelineEntry } from "../../schema/scenario.generated.ts";
import type { Driver } from "../driver.ts";
import { isOwnOperation } from "../own-parts.ts";
import { backupStarters } from "./backups.ts";
import { checkpointStarters } from "./checkpoints.ts";
import { cloneStarters } from "./clones.ts";
import { consolidationStarters } from "./consolidation.ts";
import { evacuationStarters } from "./evacuation.ts";
import { growStarters } from "./grow.ts";
import { hierarchyStarters } from "./hierarchies.ts";
import { migrationStarters } from "./migration.ts";
import { powerStarters } from "./power.ts";
import { snapshotStarters } from "./snapshots.ts";
import { start, type Starter } from "./starter.ts";

/** Each built-in word of `do`; none may be missing. */
const STARTERS: { readonly [Do in ResolvedTimelineEntry["do"]]: Starter<Do> } = {
  ...backupStarters,
  ...checkpointStarters,
  ...cloneStarters,
  ...consolidationStarters,
  ...evacuationStarters,
  ...growStarters,
  ...hierarchyStarters,
  ...migrationStarters,
  ...powerStarters,
  ...snapshotStarters,
};

export function startEntry(
  self: Driver,
  entry: ResolvedTimelineEntry,
  own: readonly Extension[],
): void {
  const name: string = entry.do;
  if (Object.hasOwn(STARTERS, name)) {
    const start = STARTERS[entry.do] as Starter;
    return start(self, entry);
  }
  startOwn(self, entry as unknown as PlainObject, name, own);
}

function startOwn(self: Driver, entry: PlainObject, name: string, own: readonly Extension[]): void {
  const found = own.filter(isOwnOperation).find((each) => each.name === name);
  if (found === undefined) return;
  const { world } = self;
  const params = found.params?.(world, entry) ?? entry;
  start(self, found.operation, found.host(world, entry), entry["id"] as string, params);
}
