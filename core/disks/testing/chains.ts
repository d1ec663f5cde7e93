/** Chains of a given depth, each layer holding stamps of its own here and there. */
import { SectorContent } from "../../kernel/index.ts";
import type { ProvisionedLayer } from "../chain/provision.ts";

/** Points in time are named `p1`, `p2`, ... from the base up; the top layer is no point in time. */
export function chainOf(depth: number, sectors: number, seed = 7): ProvisionedLayer[] {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: depth }, (_, layer): ProvisionedLayer => {
    const content = new SectorContent(sectors);
    const pieces = layer === 0 ? 12 : 8;
    for (let i = 0; i < pieces; i++) {
      const length = 1 + next(20);
      const sector = next(sectors - length);
      if (next(6) === 0) content.writeZeros(sector, length);
      else content.writeStamps(sector, length, 10_000 * (layer + 1) + 100 * i + 1);
    }
    return { content, pointInTime: layer === depth - 1 ? null : `p${layer + 1}` };
  });
}
