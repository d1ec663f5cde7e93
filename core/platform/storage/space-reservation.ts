/**
 * Space that is set aside for a volume before it is needed. Must hold: what is used and what is set
 * aside never exceed the capacity together, so a writer that has its reservation does not run out
 * of space half way because of others. A volume that goes gives back what it had.
 */
import type { ArrayEntity } from "./array-state.ts";
import { volumeLabel } from "./array-state.ts";
import { type BlockOutcome, DONE, refused } from "./block.ts";

/** Sets aside for `name` what the volumes in `like` take together; none: gives all of it back. */
export type ReserveSpace = { readonly name: string; readonly like: readonly string[] };

/** Grains that are set aside over all volumes. */
export function reservedGrains({ durable }: ArrayEntity): number {
  let grains = 0;
  for (const label in durable.volumes) grains += durable.volumes[label]!.reserved ?? 0;
  return grains;
}

/** Answers {grains}; refuses with "gone" or "no-space". */
export function reserveSpace(self: ArrayEntity, { name, like }: ReserveSpace): BlockOutcome {
  const { volumes, usedGrains } = self.durable;
  const volume = volumes[volumeLabel(name)];
  if (volume === undefined) return refused("gone", name);
  let grains = 0;
  for (const each of like) {
    const model = volumes[volumeLabel(each)];
    if (model === undefined) return refused("gone", each);
    grains += model.grains;
  }
  const wanted = like.length === 0 ? 0 : Math.max(0, grains - volume.grains);
  const { capacitySectors, grainSectors } = self.config;
  const others = reservedGrains(self) - (volume.reserved ?? 0);
  const free = Math.floor(capacitySectors / grainSectors) - usedGrains - others;
  if (wanted > free) return refused("no-space", { wanted, free });
  self.editDurable().volumes[volumeLabel(name)]!.reserved = wanted;
  self.durableStep(`reserve volume ${name}`);
  return wanted === 0 ? DONE : { ok: true, value: { grains: wanted } };
}
