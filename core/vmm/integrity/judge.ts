/**
 * Whether a write to a page that table 1 traces is one of those that raise an alert (US 10,430,223,
 * claim 1): (a) anybody but the integrity driver writes, which is every write through table 1; (b) the
 * driver, in integrity mode, writes a page that is not its data.
 *
 * Must hold: a vCPU sees the tables that it uses; what its second-stage TLB keeps of table 2 passes
 * table 1 by, so leaving integrity mode flushes it.
 */
import type { Editable } from "../../kernel/index.ts";
import type { integrity } from "../../guest/index.ts";

/** Client of the page-trace service: told last, when nothing can hold the access any more. */
export const INTEGRITY_CLIENT = "guest-integrity";
export const INTEGRITY_PRIORITY = -1;

export type TablesState = integrity.SecondStage & {
  /** By vCPU: pages whose writable entry of table 2 its TLB holds. */
  readonly cached: readonly (readonly number[])[];
  /** Writes that happened and of which nobody has been told yet. */
  readonly alerts: readonly WriteAlert[];
};

export type WriteAlert = {
  readonly page: number;
  /** -1: a device, or the host on its behalf. */
  readonly vcpu: number;
  readonly table: 1 | 2;
  /** What the page holds: of the driver, or registered by it. */
  readonly holds: "code" | "data" | "registered";
  /** Of a real machine: program counter in hexadecimal, and its progress. */
  readonly pc?: string;
  readonly progress?: number;
};

/**
 * What a host tells of a guarded machine, put out with what the machine puts out: held, numbered and
 * left like that.
 */
export type AlertOutput = { readonly kind: "alert"; readonly alert: WriteAlert };

const covers = ({ page, pages }: integrity.PageRange, at: number): boolean =>
  at >= page && at < page + pages;

/** Of a write to a page that table 1 traces: the alert that it raises; it changes the TLB. */
export function judgeWrite(
  state: Editable<TablesState>,
  page: number,
  vcpu: number,
): WriteAlert | undefined {
  const isData = covers(state.data, page);
  const table = vcpu < 0 ? 1 : state.tables[vcpu]!;
  if (isData && vcpu >= 0) {
    const cached = state.cached[vcpu]!;
    const isCached = cached.includes(page);
    if (table === 2 && !isCached) cached.push(page);
    // An entry that is still there lets it pass, whatever table the vCPU uses by now.
    if (table === 2 || isCached) return undefined;
  }
  const holds = isData ? "data" : covers(state.code, page) ? "code" : "registered";
  return { page, vcpu, table, holds };
}
