/** When the last message of each stream arrives: the next of the same stream cannot arrive before. */
import type { Editable, EntityId, Envelope } from "../../kernel/index.ts";

export type LastArrival = { readonly from: EntityId; readonly to: EntityId; readonly atNs: number };

/**
 * The entry of a stream. One of which nothing is on the way constrains nothing, so its entry is free
 * for another: there are never more than streams that were under way at once.
 */
export function arrivalOf(
  arrivals: Editable<LastArrival>[],
  { from, to }: Envelope,
  nowNs: number,
): Editable<LastArrival> {
  let free: Editable<LastArrival> | undefined;
  for (const each of arrivals) {
    if (each.from === from && each.to === to) return each;
    if (each.atNs <= nowNs) free ??= each;
  }
  if (free === undefined) arrivals.push((free = { from, to, atNs: 0 }));
  free.from = from;
  free.to = to;
  return free;
}
