// SBI extension 0x0a004749 of this machine: guest integrity (US 11,379,385; US 10,430,223). A driver in the guest makes its
// code, its data and its one entry point known; from there it enters integrity mode and has pages protected. Addresses are
// guest-physical.
//
// | function | arguments | |
// |---|---|---|
// | 0 register | code, its bytes, data, its bytes, entry | once; the entry is the address of the `ecall` that enters |
// | 1 enter | | from the entry point in supervisor mode only |
// | 2 leave | | |
// | 3 protect, 4 unprotect | address, bytes | in the mode only |
// | 5 mode | | value: 1 in the mode, 0 not |

import type { Editable } from "../../../../kernel/index.ts";
import {
  enterIntegrity,
  type IntegrityAnswer,
  type IntegrityRefusal,
  type IntegrityState,
  isInIntegrityMode,
  leaveIntegrity,
  type PageRange,
  protectPages,
  registerDriver,
  unprotectPages,
} from "../../../integrity/index.ts";
import { physicalPlace } from "../integrity-mode.ts";
import * as layout from "../../layout.ts";
import {
  ALREADY_AVAILABLE,
  type Answer,
  answer,
  type Call,
  DENIED,
  type Extension,
  INVALID_ADDRESS,
  INVALID_PARAM,
  NOT_SUPPORTED,
  SUCCESS,
} from "./call.ts";

const ERRORS: Readonly<Record<IntegrityRefusal["code"], bigint>> = {
  "outside-memory": INVALID_ADDRESS,
  "bad-entry": INVALID_PARAM,
  known: ALREADY_AVAILABLE,
  unknown: INVALID_PARAM,
  denied: DENIED,
  overlap: INVALID_PARAM,
};

/** Every `ecall` is this long. */
const ECALL_BYTES = 4n;
const PAGE = BigInt(layout.PAGE_BYTES);

/** Offset from the start of RAM; far outside it for whatever lies nowhere near. */
function offsetOf(address: bigint): number {
  const offset = address - BigInt(layout.RAM_BASE);
  return offset < -(2n ** 52n) || offset > 2n ** 52n ? -1 : Number(offset);
}

/** The pages that a range of bytes touches. */
function pagesOf(address: bigint, bytes: bigint): PageRange {
  const first = Math.floor(offsetOf(address) / layout.PAGE_BYTES);
  const within = address & (PAGE - 1n);
  const pages = bytes > 2n ** 40n ? 2n ** 28n : (within + bytes + PAGE - 1n) / PAGE;
  return { page: first, pages: bytes === 0n ? 0 : Number(pages) };
}

function result(call: Call, given: IntegrityAnswer): Answer {
  const { around, hart: vcpu } = call;
  if (given.ok) {
    around.integrityChanged();
    return answer(SUCCESS);
  }
  const { code, message, offence } = given;
  if (offence === undefined) {
    around.emit({ kind: "integrity", event: { what: "refused", vcpu, message } });
  } else around.emit({ kind: "integrity", event: { what: "offence", offence, vcpu, message } });
  return answer(ERRORS[code]);
}

function register(call: Call): Answer {
  const { state, engine, config } = call.around;
  const [code, codeBytes, data, dataBytes, entry] = call.arguments;
  const wish = {
    entry: offsetOf(entry),
    code: pagesOf(code, codeBytes),
    data: pagesOf(data, dataBytes),
  };
  const machine = { memoryPages: engine.ramBytes / layout.PAGE_BYTES, vcpus: config.harts };
  const made = registerDriver(state.integrity as IntegrityState | undefined, wish, machine);
  if (!made.ok) return result(call, made);
  state.integrity = made.state as Editable<IntegrityState>;
  return result(call, { ok: true });
}

/** Where the call stands, from the start of RAM; null: not in RAM, or not in supervisor mode. */
function placeOfCall({ around, hart }: Call): number | null {
  const { engine } = around;
  const pc = BigInt.asUintN(64, engine.word(hart, layout.HART_PC) - ECALL_BYTES);
  return physicalPlace(engine, hart, pc);
}

export const integrity: Extension = (call) => {
  const { around, hart, function: number, arguments: given } = call;
  const { state, engine } = around;
  if (number > 5n) return answer(NOT_SUPPORTED);
  if (number === 0n) return register(call);
  const driver = state.integrity;
  if (driver === undefined) {
    return result(call, { ok: false, code: "unknown", message: "no integrity driver is known" });
  }
  const [address, bytes] = given;
  const range = pagesOf(address, bytes);
  const memoryPages = engine.ramBytes / layout.PAGE_BYTES;
  if (number === 1n) return result(call, enterIntegrity(driver, hart, placeOfCall(call)));
  if (number === 2n) return result(call, leaveIntegrity(driver, hart));
  if (number === 3n) return result(call, protectPages(driver, hart, range, memoryPages));
  if (number === 4n) return result(call, unprotectPages(driver, hart, range));
  return answer(SUCCESS, isInIntegrityMode(driver, hart) ? 1n : 0n);
};
