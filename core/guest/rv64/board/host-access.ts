// Accesses of the machine around the engine (devices, firmware) to RAM: whoever traces pages is told of them first, like of
// those of harts, so that nothing reaches a traced page unseen.

import type { Engine } from "../engine.ts";
import { PAGE_BYTES } from "../layout.ts";

/** To be called before RAM is read or written from outside the harts. */
export function announce(engine: Engine, offset: number, bytes: number, writes: boolean): void {
  if (engine.onHostAccess === null || bytes === 0) return;
  const last = Math.floor((offset + bytes - 1) / PAGE_BYTES);
  for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) {
    const trace = engine.pageTrace(page);
    if (trace === "accesses" || (writes && trace === "stores")) engine.onHostAccess(page, writes);
  }
}
