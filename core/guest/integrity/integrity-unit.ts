/**
 * The calls of a guest integrity driver, the same for modelled guests and real machines.
 *
 * Must hold: integrity mode is entered only by a call that stands at the registered entry point; what is
 * protected changes only in it; it is left at every interrupt and taken up again only where, and as, it
 * was interrupted. A call that is refused changes nothing.
 */
import type { Editable } from "../../kernel/index.ts";
import type {
  IntegrityAnswer,
  IntegrityFrame,
  IntegrityOffence,
  IntegrityRefusal,
  IntegrityState,
  PageRange,
} from "./integrity-state.ts";

export const INTEGRITY_PAGE_BYTES = 4_096;
/** Interrupted stays that a vCPU can have at once. */
const MOST_FRAMES = 8;

const DONE: IntegrityAnswer = { ok: true };

const refusal = (
  code: IntegrityRefusal["code"],
  message: string,
  offence?: IntegrityOffence,
): IntegrityRefusal => ({ ok: false, code, message, ...(offence && { offence }) });

const endOf = ({ page, pages }: PageRange): number => page + pages;
const named = ({ page, pages }: PageRange): string => `pages ${page} to ${page + pages - 1}`;
export const coversPage = ({ page, pages }: PageRange, at: number): boolean =>
  at >= page && at < page + pages;
const overlap = (a: PageRange, b: PageRange): boolean => a.page < endOf(b) && b.page < endOf(a);

function outside(range: PageRange, memoryPages: number): IntegrityRefusal | undefined {
  const { page, pages } = range;
  const isWhole = Number.isSafeInteger(page) && Number.isSafeInteger(pages) && pages >= 1;
  if (isWhole && page >= 0 && endOf(range) <= memoryPages) return undefined;
  const what = pages < 1 ? `${pages} pages` : named(range);
  return refusal("outside-memory", `${what} are not in memory, which has ${memoryPages} pages`);
}

export type DriverWish = Pick<IntegrityState, "entry" | "code" | "data">;

/** The driver's state once it is known, or why not. It is made known once, by whoever boots the guest. */
export function registerDriver(
  known: IntegrityState | undefined,
  { entry, code, data }: DriverWish,
  machine: { readonly memoryPages: number; readonly vcpus: number },
): { readonly ok: true; readonly state: IntegrityState } | IntegrityRefusal {
  if (known !== undefined) return refusal("known", "an integrity driver is known already");
  const bad = outside(code, machine.memoryPages) ?? outside(data, machine.memoryPages);
  if (bad !== undefined) return bad;
  if (overlap(code, data)) {
    return refusal("overlap", `code (${named(code)}) and data (${named(data)}) share a page`);
  }
  if (!coversPage(code, Math.floor(entry / INTEGRITY_PAGE_BYTES))) {
    const page = Math.floor(entry / INTEGRITY_PAGE_BYTES);
    const message = `the entry point is in page ${page}, which is not protected: code is ${named(code)}`;
    return refusal("bad-entry", message);
  }
  const modes = Array.from({ length: machine.vcpus }, () => ({ active: false, frames: [] }));
  return { ok: true, state: { entry, code, data, registered: [], modes } };
}

/** `from`: guest-physical place of the call, in bytes from the start of RAM; null: not in RAM. */
export function enterIntegrity(
  state: Editable<IntegrityState>,
  vcpu: number,
  from: number | null,
): IntegrityAnswer {
  const mode = state.modes[vcpu]!;
  if (from !== state.entry) {
    const message = `vCPU ${vcpu} asked for integrity mode away from its entry point`;
    return refusal("denied", message, "forged-entry");
  }
  if (mode.active) return refusal("denied", `vCPU ${vcpu} is in integrity mode already`);
  if (mode.frames.length >= MOST_FRAMES) {
    return refusal("denied", `vCPU ${vcpu} was interrupted in integrity mode too often`);
  }
  mode.active = true;
  return DONE;
}

export function leaveIntegrity(state: Editable<IntegrityState>, vcpu: number): IntegrityAnswer {
  const mode = state.modes[vcpu]!;
  if (!mode.active) return refusal("denied", `vCPU ${vcpu} is not in integrity mode`);
  mode.active = false;
  return DONE;
}

export const isInIntegrityMode = (state: IntegrityState | undefined, vcpu: number): boolean =>
  state?.modes[vcpu]?.active ?? false;

/** The vCPU stops to execute the driver for something else; the rest of the stay comes later. */
export function interruptIntegrity(
  state: Editable<IntegrityState>,
  vcpu: number,
  frame: IntegrityFrame,
): void {
  const mode = state.modes[vcpu]!;
  mode.active = false;
  mode.frames.push(frame);
}

/** Whether the vCPU stands where, and as, it was interrupted: it is in the mode again then. */
export function resumeIntegrity(
  state: Editable<IntegrityState>,
  vcpu: number,
  here: IntegrityFrame,
): boolean {
  const mode = state.modes[vcpu]!;
  const frame = mode.frames.at(-1);
  if (mode.active || frame === undefined) return false;
  const isSame =
    frame.at === here.at && frame.address === here.address && frame.registers === here.registers;
  if (!isSame) return false;
  mode.frames.pop();
  mode.active = true;
  return true;
}

export function protectPages(
  state: Editable<IntegrityState>,
  vcpu: number,
  range: PageRange,
  memoryPages: number,
): IntegrityAnswer {
  if (!isInIntegrityMode(state, vcpu)) {
    const message = `vCPU ${vcpu} asked to protect ${named(range)} outside integrity mode`;
    return refusal("denied", message, "protect-outside");
  }
  const bad = outside(range, memoryPages);
  if (bad !== undefined) return bad;
  if (overlap(range, state.data)) {
    return refusal("overlap", `${named(range)} hold data of the driver, which it has to write`);
  }
  state.registered = united([...state.registered, range]);
  return DONE;
}

export function unprotectPages(
  state: Editable<IntegrityState>,
  vcpu: number,
  range: PageRange,
): IntegrityAnswer {
  if (!isInIntegrityMode(state, vcpu)) {
    const message = `vCPU ${vcpu} asked to unprotect ${named(range)} outside integrity mode`;
    return refusal("denied", message, "unprotect-outside");
  }
  const isKnown = state.registered.some(
    (each) => each.page <= range.page && endOf(range) <= endOf(each),
  );
  if (!isKnown) return refusal("unknown", `${named(range)} are not protected`);
  state.registered = state.registered.flatMap((each) => without(each, range));
  return DONE;
}

/** As few disjoint ranges as possible, ascending. */
function united(ranges: readonly PageRange[]): PageRange[] {
  const made: { page: number; pages: number }[] = [];
  for (const { page, pages } of [...ranges].sort((a, b) => a.page - b.page)) {
    const last = made.at(-1);
    if (last !== undefined && page <= endOf(last)) {
      last.pages = Math.max(endOf(last), page + pages) - last.page;
    } else made.push({ page, pages });
  }
  return made;
}

function without(range: PageRange, taken: PageRange): PageRange[] {
  const left = { page: range.page, pages: Math.min(endOf(range), taken.page) - range.page };
  const from = Math.max(range.page, endOf(taken));
  const right = { page: from, pages: endOf(range) - from };
  return [left, right].filter(({ pages }) => pages > 0);
}
