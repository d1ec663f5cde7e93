// SBI TIME, IPI, RFENCE and HSM: what harts do to themselves and to each other.

import { SSIP } from "../../architecture.ts";
import * as layout from "../../layout.ts";
import { fromHex, toHex } from "../clint.ts";
import { enterSupervisor } from "../supervisor-entry.ts";
import type { Surroundings } from "../surroundings.ts";
import {
  ALREADY_AVAILABLE,
  answer,
  type Extension,
  hartsOf,
  INVALID_ADDRESS,
  INVALID_PARAM,
  NOT_SUPPORTED,
  SUCCESS,
} from "./call.ts";

/** A deadline for the supervisor's timer; setting one in the future clears the interrupt. */
export const time: Extension = ({ around, hart, function: number, arguments: [deadline] }) => {
  if (number !== 0n) return answer(NOT_SUPPORTED);
  around.state.clint.deadlines[hart] = toHex(deadline);
  return answer(SUCCESS);
};

function raise({ engine }: Surroundings, hart: number): void {
  const pending = engine.word(hart, layout.HART_MIP);
  engine.setWord(hart, layout.HART_MIP, pending | BigInt(SSIP));
}

export const ipi: Extension = (call) => {
  if (call.function !== 0n) return answer(NOT_SUPPORTED);
  const harts = hartsOf(call, call.arguments[0], call.arguments[1]);
  if (harts === null) return answer(INVALID_PARAM);
  for (const hart of harts) raise(call.around, hart);
  return answer(SUCCESS);
};

/** Translations and decoded code are never stale, so a remote fence has nothing to do. */
export const rfence: Extension = (call) => {
  // 3 to 6 are for hypervisors.
  if (call.function > 2n) return answer(NOT_SUPPORTED);
  const harts = hartsOf(call, call.arguments[0], call.arguments[1]);
  return answer(harts === null ? INVALID_PARAM : SUCCESS);
};

const STATUS = { started: 0n, stopped: 1n, suspended: 4n } as const;
const RETENTIVE = 0n;
const NON_RETENTIVE = 0x8000_0000n;

/** Whether a hart can begin to execute there. */
function isEntry({ engine }: Surroundings, address: bigint): boolean {
  const offset = address - BigInt(layout.RAM_BASE);
  return (address & 1n) === 0n && offset >= 0n && offset < BigInt(engine.ramBytes);
}

function start(around: Surroundings, target: bigint, address: bigint, opaque: bigint) {
  const { state, engine } = around;
  const status = target < BigInt(state.harts.length) ? state.harts[Number(target)] : undefined;
  if (status === undefined) return answer(INVALID_PARAM);
  if (status !== "stopped") return answer(ALREADY_AVAILABLE);
  if (!isEntry(around, address)) return answer(INVALID_ADDRESS);
  enterSupervisor(engine, Number(target), address, opaque);
  state.harts[Number(target)] = "started";
  return answer(SUCCESS);
}

/**
 * The two default suspends (9.4): the hart waits for an interrupt that it has enabled. With its
 * registers it returns from the call then; without them it begins anew where it said.
 */
function suspend(
  around: Surroundings,
  hart: number,
  type: bigint,
  address: bigint,
  opaque: bigint,
) {
  const { state, engine } = around;
  const kind = type & 0xffff_ffffn;
  if (kind !== RETENTIVE && kind !== NON_RETENTIVE) return answer(INVALID_PARAM);
  const losesRegisters = kind === NON_RETENTIVE;
  if (losesRegisters && !isEntry(around, address)) return answer(INVALID_ADDRESS);
  state.harts[hart] = "suspended";
  state.resumes[hart] = losesRegisters
    ? { address: toHex(address), argument: toHex(opaque) }
    : null;
  engine.setWord(hart, layout.HART_WAITING, 1n);
  return losesRegisters ? null : answer(SUCCESS);
}

/** A suspended hart is about to execute again. What is pending still is. */
export function wakeHart({ state, engine }: Surroundings, hart: number): void {
  const resume = state.resumes[hart]!;
  state.harts[hart] = "started";
  state.resumes[hart] = null;
  if (resume === null) return;
  const pending = engine.word(hart, layout.HART_MIP);
  enterSupervisor(engine, hart, fromHex(resume.address), fromHex(resume.argument));
  engine.setWord(hart, layout.HART_MIP, pending);
}

export const hsm: Extension = ({ around, hart, function: number, arguments: [a0, a1, a2] }) => {
  const { state } = around;
  switch (number) {
    case 0n:
      return start(around, a0, a1, a2);
    case 1n:
      state.harts[hart] = "stopped";
      return null;
    case 2n: {
      const status = a0 < BigInt(state.harts.length) ? state.harts[Number(a0)] : undefined;
      return status === undefined ? answer(INVALID_PARAM) : answer(SUCCESS, STATUS[status]);
    }
    case 3n:
      return suspend(around, hart, a0, a1, a2);
    default:
      return answer(NOT_SUPPORTED);
  }
};
