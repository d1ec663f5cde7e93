/**
 * The two second-stage tables of a virtual machine with an integrity driver, as its host keeps them: made
 * of what the guest's own state says, at every change and wherever the run goes on.
 *
 * Must hold: traces count at once, for every vCPU stops and flushes while they change; a vCPU that leaves
 * integrity mode flushes what its TLB held of table 2 before it executes anything else.
 */
import { assert, type Editable } from "../../kernel/index.ts";
import { integrity } from "../../guest/index.ts";
import { charge } from "../pages/charges.ts";
import { removeTraces, traceAtOnce } from "../pages/clients.ts";
import { settleMemory } from "../pages/content.ts";
import { clientBitmap, type MemoryEntity } from "../pages/memory-state.ts";
import { raiseAlerts } from "./alerts.ts";
import { INTEGRITY_CLIENT, INTEGRITY_PRIORITY, type TablesState } from "./judge.ts";

/** Notice that the tables are other ones; for invariants. */
export const TABLES_CHANGED = "integrity-tables";

/** There is no integrity driver any more. */
export function dropTables(memory: MemoryEntity): void {
  raiseAlerts(memory);
  removeTraces(memory, INTEGRITY_CLIENT);
  delete (memory.edit() as { tables?: unknown }).tables;
}

/** From now on the tables are these. */
export function changeTables(memory: MemoryEntity, second: integrity.SecondStage): void {
  settleMemory(memory);
  raiseAlerts(memory);
  const before = memory.volatile.tables;
  if (before === undefined || !integrity.isSameSet(before, second)) installTraces(memory, second);
  const { costs } = memory.config;
  const cached = second.tables.map((table, vcpu) => {
    const from = before?.tables[vcpu] ?? 1;
    if (from === table) return [...(before?.cached[vcpu] ?? [])];
    charge(memory, vcpu, costs.faultNs + (table === 1 ? costs.flushNs : 0));
    return table === 1 ? [] : [...(before?.cached[vcpu] ?? [])];
  });
  const state: TablesState = { ...structuredClone(second), cached, alerts: [] };
  memory.edit().tables = state as Editable<TablesState>;
  memory.notice(TABLES_CHANGED, { memory: memory.id });
}

function installTraces(memory: MemoryEntity, { code, data, registered }: integrity.SecondStage) {
  const ranges = [code, data, ...registered];
  assert(
    ranges.every(({ page, pages }) => page >= 0 && page + pages <= memory.config.pages),
    "what a guest protects is in its memory",
  );
  const wanted = new Set(ranges.flatMap(({ page, pages }) => pagesFrom(page, pages)));
  const armed = clientBitmap(memory, INTEGRITY_CLIENT, "armed");
  let entries = 0;
  for (let at = armed.next(0); at >= 0; at = armed.next(at + 1)) {
    if (wanted.has(at)) wanted.delete(at);
    else {
      armed.delete(at);
      entries++;
    }
  }
  for (const page of wanted) armed.add(page);
  const named = { client: INTEGRITY_CLIENT, priority: INTEGRITY_PRIORITY };
  traceAtOnce(memory, named, entries + wanted.size);
}

const pagesFrom = (page: number, pages: number): number[] =>
  Array.from({ length: pages }, (_, at) => page + at);
