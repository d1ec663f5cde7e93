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
  readonly isProtected: boolean;
  readonly toNs: number;
  readonly startedNs: number;
};

/** Where the log of a followed machine stands, in its journal: what lies behind may never count. */
export type LoggedPlace = PlainObject & { readonly step?: number; readonly nowNs?: number };

/** Before the outside world forgets which run it was; of other virtual machines nothing. */
export function logEnd(record: VmRecord): void {
  const end = endOf(record);
  if (end === undefined) return;
  const durable = record.editDurable();
  const count = durable.steps++;
  if ("step" in durable.journal.own) durable.journal.own = {};
  const { step, nowNs, isCut } = end;
  const input = { kind: "end", isCut };
  record.notice(BOUNDARY_NOTICE, { vm: record.name, step, nowNs, count, input });
}

/** Where it stands; or, while somebody else may go on with it, where its log does. */
function endOf({ world, durable }: VmRecord) {
  const { step, nowNs } = durable.journal.own as LoggedPlace;
  const isMachine = world.entityOrNone(durable.instance)?.kind === MACHINE_KIND;
  // Not through the entity: it may be given up from another domain, which changes nothing of it.
  const standing = isMachine ? (world.volatile.get(durable.instance) as Standing) : undefined;
  if (step !== undefined && standing?.isProtected !== false) {
    return { step, nowNs: nowNs!, isCut: false };
  }
  if (standing === undefined || standing.board === null) return undefined;
  const { board, exit, toNs, startedNs } = standing;
  const isCut = exit !== null || !board.started;
  return { step: board.progress, nowNs: toNs - startedNs, isCut };
}
