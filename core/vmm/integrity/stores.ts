/**
 * What a modelled guest writes knowing its pages, and changes of its tables, in order.
 *
 * Must hold: a write that is held (its page is not there yet, or there is no room for what it
 * overwrites) has everything behind it wait, the tables too; nothing is lost when the run is saved or
 * goes to another host meanwhile.
 */
import type { Editable } from "../../kernel/index.ts";
import type { integrity } from "../../guest/index.ts";
import { charge } from "../pages/charges.ts";
import { type MemoryEntity, ownerOf, stampsOf, type WaitingStore } from "../pages/memory-state.ts";
import { takeStamps } from "../pages/touches.ts";
import { Tracer } from "../pages/tracer.ts";
import { raiseAlerts } from "./alerts.ts";
import { stopsAtAlerts } from "./standing.ts";
import { changeTables } from "./tables.ts";

/** Carries it out, or has it wait behind what is held. */
export function perhapsLater(memory: MemoryEntity, next: WaitingStore): void {
  const state = memory.edit();
  (state.stores ??= []).push(next as Editable<WaitingStore>);
  goOnStoring(memory);
}

/** As far as nothing is held. */
export function goOnStoring(memory: MemoryEntity): void {
  for (;;) {
    const { stores, held } = memory.volatile;
    const [first] = stores ?? [];
    // A run that stands still changes nothing; it goes on here when it goes on.
    const isStill = (ownerOf(memory)?.volatile.stuns ?? 1) > 0;
    if (held !== null || isStill || first === undefined) return;
    const isDone = first.kind === "tables" ? becomeTables(memory, first.second) : write(memory);
    if (!isDone) return;
    const state = memory.edit();
    state.stores!.shift();
    if (state.stores!.length === 0) delete (state as { stores?: unknown }).stores;
  }
}

function becomeTables(memory: MemoryEntity, second: integrity.SecondStage): true {
  changeTables(memory, second);
  return true;
}

/** The pages of the first store one after the other, up to one at which it has to stand; whether all. */
function write(memory: MemoryEntity): boolean {
  const state = memory.edit();
  const store = state.stores![0] as Editable<Extract<WaitingStore, { kind: "store" }>>;
  const tracer = new Tracer(memory);
  const stamps = stampsOf(memory);
  state.released = null;
  const vm = ownerOf(memory);
  // Of a guarded machine it has left as one: whoever goes on with it has nothing of it to do again.
  const stops = vm !== undefined && vm.config.guard < 0 && stopsAtAlerts(vm);
  while (store.pages > 0) {
    const ns = tracer.access(store.page, store.by, true);
    if (tracer.isHeld) break;
    if (store.by >= 0) charge(memory, store.by, ns);
    stamps.set(store.page, takeStamps(memory, 1));
    store.page++;
    store.pages--;
    if (stops && tracer.isAlarming) break;
  }
  tracer.confirm();
  raiseAlerts(memory);
  return store.pages === 0;
}
