// Accesses of the machine around the engine (devices, firmware) to RAM: whoever traces pages is told of them first, like of
// those of harts, so that nothing reaches a traced page unseen.
//
// Must hold: an access that has to wait leaves nothing of the work that it is part of, neither in RAM nor in the state of
// the board nor among what is put out; that work is done again from its beginning when it may.

import type { Engine } from "../engine.ts";
import * as layout from "../layout.ts";

const { PAGE_BYTES } = layout;

/** Thrown by whoever is told of an access: it must not happen yet. */
export class MustWait extends Error {
  readonly page: number;
  readonly writes: boolean;

  constructor(page: number, writes: boolean) {
    super(`page ${page} is not there`);
    this.page = page;
    this.writes = writes;
  }
}

/** To be called before RAM is read or written from outside the harts. */
export function announce(engine: Engine, offset: number, bytes: number, writes: boolean): void {
  if (engine.onHostAccess === null || bytes === 0) return;
  const last = Math.floor((offset + bytes - 1) / PAGE_BYTES);
  for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) {
    const trace = engine.pageTrace(page);
    if (trace === "accesses" || (writes && trace === "stores")) engine.onHostAccess(page, writes);
  }
  if (writes && engine.hostUndo !== null) {
    engine.hostUndo.push({ offset, bytes: engine.ram.slice(offset, offset + bytes) });
  }
}

/** Does work that may have to wait; what it waits for, and then RAM is as before. */
export function doOrWait(engine: Engine, work: () => void): MustWait | null {
  engine.hostUndo = [];
  try {
    work();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof MustWait)) throw thrown;
    for (const { offset, bytes } of engine.hostUndo.reverse()) engine.writeRam(offset, bytes);
    return thrown;
  } finally {
    engine.hostUndo = null;
  }
}

/** The load or store that the hart stopped at has not been looked at: it stands before it. */
export function takeBackExit(engine: Engine, hart: number): void {
  const block = engine.readHart(hart);
  block.fill(0, layout.HART_EXIT_KIND, layout.HART_EXIT_LENGTH + 8);
  engine.writeHart(hart, block);
}

const ECALL_BYTES = 4n;

/** The firmware call that the hart made has not been made: it stands before the `ecall`. */
export function takeBackCall(engine: Engine, hart: number): void {
  const block = engine.readHart(hart);
  const view = new DataView(block.buffer, block.byteOffset);
  const lower = (offset: number, by: bigint): void =>
    view.setBigUint64(offset, view.getBigUint64(offset, true) - by, true);
  lower(layout.HART_PC, ECALL_BYTES);
  lower(layout.HART_PROGRESS, 1n);
  lower(layout.HART_TRAPPED, 1n);
  engine.writeHart(hart, block);
}
