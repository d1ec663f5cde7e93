/** One write that the array makes by itself: durable at once, and told to observers. */
import type { ContentRun, SectorRange } from "../../../kernel/index.ts";
import { type ArrayEntity, device } from "../array-state.ts";
import { ACKNOWLEDGED, tell } from "../device-state.ts";
import { takeWrite } from "../write-cache.ts";

/** What is to be in a range: `runs` null makes it never written. */
export type Piece = SectorRange & { readonly runs: readonly ContentRun[] | null };

/** Space for it was taken, and what it comes over was kept. */
export function landPiece(array: ArrayEntity, medium: string, piece: Piece): void {
  const { sector, sectors, runs } = piece;
  const { next: id } = array.volatile.cache;
  takeWrite(device(array), medium, piece, { fua: true });
  tell(device(array), ACKNOWLEDGED, () => {
    return { medium, op: "write", id, sector, sectors, runs, durable: true, barrier: false };
  });
}
