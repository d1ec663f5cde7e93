/**
 * The last entry that a run of a real machine has in its boundary log: it ran to here and no further,
 * whatever it was that ended it. For whoever builds it again alone.
 */
import type { PlainObject } from "../../kernel/index.ts";
import { BOUNDARY_NOTICE } from "../boundary.ts";
import type { VmRecord } from "../vm-record.ts";

/** Kind of the entity that a run of a real machine is. */
export const MACHINE_KIND = "rv64-vm";

/** What of its state tells where it stands. */
type Standing = PlainObject & {
  readonly board: { readonly progress: number; readonly started: boolean } | null;
  readonly exit: PlainObject | null;
  readonly toNs: number;
  readonly startedNs: number;
};

/** Before the outside world forgets which run it was; of other virtual machines nothing. */
export function logEnd(record: VmRecord): void {
  const { world, durable, name } = record;
  if (world.entityOrNone(durable.instance)?.kind !== MACHINE_KIND) return;
  // Not through the entity: it may be given up from another domain, which changes nothing of it.
  const { board, exit, toNs, startedNs } = world.volatile.get(durable.instance) as Standing;
  if (board === null) return;
  const count = record.editDurable().steps++;
  const input = { kind: "end", isCut: exit !== null || !board.started };
  const entry = { vm: name, step: board.progress, nowNs: toNs - startedNs, count, input };
  record.notice(BOUNDARY_NOTICE, entry);
}
