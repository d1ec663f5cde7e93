// Finding the entry of the next instruction: fetch translation, breakpoints, decoding on first use. Instructions that
// cannot be kept (across two pages, on a page that is only partly executable, or on one with a breakpoint) go, alone,
// into the scratch page, whose other entries lead back here.

import { HART_PC, STOP_BREAKPOINT } from "../layout";
import { codePage, LOOK_UP, sourcePage, stamp } from "./code-cache";
import { decode } from "./decode";
import { ramStart, SCRATCH } from "./memory-map";
import { allowsPage, PERMIT_EXECUTE } from "./pmp";
import { clearEvent, exit, get, hostOf, pageOf, privilege } from "./state";
import { fillFetch, findFetch } from "./tlb";
import { FETCH, faultCause, faultValue, resolveRam } from "./translate";
import { trap } from "./trap";
import { breakpoints, isBreakpoint, pageHasBreakpoint } from "./watches";

/** What `lookUp` found: the decoded page and the virtual page it stands for. */
export let codeNow: usize = 0;
export let pageNow: u64 = 0;

let skipBreakpoint: bool = false;
let scratchUsed: usize = SCRATCH;

/** With true, a breakpoint at the very next instruction is ignored. */
export function stepOver(skip: bool): void {
  skipBreakpoint = skip;
}

/** The 32-bit instruction, or the 16-bit one, at a place that does not reach over the end of the page. */
@inline function instructionAt(host: usize): u32 {
  const low = load<u16>(host);
  return (low & 3) == 3 ? <u32>low | (<u32>load<u16>(host, 2) << 16) : low;
}

function crossesPage(pc: u64, host: usize): bool {
  return (pc & 0xfff) == 0xffe && (load<u16>(host) & 3) == 3;
}

/** Decodes one instruction into the scratch page. 0: the fetch trapped. */
function fetchAlone(pc: u64): usize {
  const first = resolveRam(pc, 2, FETCH);
  if (faultCause != 0) return fault();
  let raw: u32 = load<u16>(hostOf(first));
  if ((raw & 3) == 3) {
    const second = resolveRam(pc + 2, 2, FETCH);
    if (faultCause != 0) return fault();
    raw |= <u32>load<u16>(hostOf(second)) << 16;
  }
  store<u64>(scratchUsed, LOOK_UP);
  scratchUsed = SCRATCH + ((<usize>pc & 0xffe) << 2);
  // Offset 0 with a span of nothing: every jump counts as far, so that it comes back here.
  store<u64>(scratchUsed, decode(raw, 0xffffffff));
  codeNow = SCRATCH;
  return scratchUsed;
}

function fault(): usize {
  trap(faultCause, faultValue);
  return 0;
}

/** The decoded page of the page that `pc` is on; 0 when its instructions cannot be kept, or the fetch trapped. */
function decodedPage(pc: u64): usize {
  if (breakpoints != 0 && pageHasBreakpoint(pc)) return 0;
  const found = findFetch(pc);
  if (found != 0) return found;
  const physical = resolveRam(pc, 2, FETCH);
  if (faultCause != 0 || !allowsPage(physical, PERMIT_EXECUTE, privilege())) return 0;
  const code = codePage(pageOf(physical));
  fillFetch(pc, code);
  return code;
}

/** The entry for the instruction at HART_PC; 0 when something was reported instead. */
export function lookUp(): usize {
  const pc = get(HART_PC);
  const skip = skipBreakpoint;
  skipBreakpoint = false;
  if (breakpoints != 0 && !skip && isBreakpoint(pc)) {
    exit(STOP_BREAKPOINT);
    return 0;
  }
  pageNow = pc & ~0xfff;
  const decoded = decodedPage(pc);
  if (decoded != 0) {
    const host = ramStart + (<usize>sourcePage(decoded) << 12) + (<usize>pc & 0xfff);
    if (!crossesPage(pc, host)) {
      const entry = decoded + ((<usize>pc & 0xffe) << 2);
      if (load<u64>(entry) == 0) store<u64>(entry, decode(instructionAt(host), <u32>pc & 0xfff));
      codeNow = decoded;
      stamp(decoded);
      clearEvent();
      return entry;
    }
  }
  const alone = fetchAlone(pc);
  if (alone != 0) clearEvent();
  return alone;
}
