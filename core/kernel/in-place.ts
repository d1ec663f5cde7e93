/**
 * Finds what was changed otherwise than by an edit: a configuration that an entity writes to, a list
 * that two records hold and one of them goes on changing. Such a change is in no root until something
 * else is edited, and whether it is seen at all depends on where the world was captured.
 */
import type { World } from "./world.ts";

/**
 * "ENTITY (RECORD)" of each that changed in place since `world.root()` was last asked for. Hashes
 * every record: for audits.
 */
export function changedInPlace({ registry, durable, volatile }: World): readonly string[] {
  const records = { configuration: registry.entityRecords, durable, volatile };
  return Object.entries(records).flatMap(([record, store]) =>
    store.changedInPlace().map((id) => `${registry.handles[id]!.name} (${record})`),
  );
}
