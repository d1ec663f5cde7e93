/**
 * The integrity driver of a modelled guest, and who attacks it. After boot the driver makes itself known
 * and protects its pages; then it updates its data from time to time, in integrity mode, on one vCPU
 * after the other; some updates are interrupted. Attacks come when the configuration says.
 *
 * Must hold: what it writes depends on its configuration and on time only, so that whoever knows both can
 * say which writes were legal.
 */
import type { Editable } from "../../kernel/index.ts";
import type { Guest } from "../guest-handle.ts";
import type { IntegrityState } from "../integrity/integrity-state.ts";
import { secondStageOf } from "../integrity/integrity-state.ts";
import {
  enterIntegrity,
  INTEGRITY_PAGE_BYTES,
  interruptIntegrity,
  leaveIntegrity,
  protectPages,
  registerDriver,
  resumeIntegrity,
  unprotectPages,
} from "../integrity/integrity-unit.ts";
import type { AttackMoment, AttackWish, GuardWish, WorkloadConfig } from "./workload-config.ts";

export type GuardState = {
  readonly updates: number;
  /** Attacks, by number, whose time has come and that wait for their moment. */
  readonly waiting: readonly number[];
};

export type GuardTag = {
  readonly guard: "update" | "middle" | "return" | "end" | "attack";
  /** Of an attack. */
  readonly index: number;
};

type Holder = { readonly guard?: GuardState };
type Guarded = Pick<
  Guest<WorkloadConfig, Holder>,
  "config" | "spec" | "state" | "common" | "timer" | "store" | "integrity" | "answered"
>;

/** An instruction of the driver at which it is interrupted; the entry point is its first one. */
const AT = { address: "", registers: "as they were" } as const;

export function beginGuard(guest: Guarded): void {
  const wish = guest.config.guard;
  if (wish === undefined) return;
  const { memoryPages, vcpus } = guest.spec;
  const { code, data, protect } = wish;
  const entry = code.page * INTEGRITY_PAGE_BYTES;
  const made = registerDriver(
    guest.common.integrity as IntegrityState | undefined,
    { entry, code, data },
    { memoryPages, vcpus },
  );
  if (!made.ok) return void guest.answered(0, made);
  guest.common.integrity = made.state as Editable<IntegrityState>;
  guest.state.guard = { updates: 0, waiting: [] };
  enter(guest, 0);
  guest.store(0, data.page, data.pages);
  for (const range of protect) {
    guest.answered(0, protectPages(unit(guest), 0, range, memoryPages));
  }
  leave(guest, 0);
  if (wish.updateEveryNs > 0) guest.timer(wish.updateEveryNs, tagOf("update"));
  wish.attacks.forEach(({ atNs }, index) => guest.timer(atNs, { guard: "attack", index }));
}

const tagOf = (guard: GuardTag["guard"]): GuardTag => ({ guard, index: 0 });
const unit = (guest: Guarded): Editable<IntegrityState> => guest.common.integrity!;
const wishOf = (guest: Guarded): GuardWish => guest.config.guard!;
const updater = (guest: Guarded): number => guest.state.guard!.updates % guest.spec.vcpus;

const tell = (guest: Guarded): void =>
  guest.integrity({ what: "tables", second: structuredClone(secondStageOf(unit(guest))) });

function enter(guest: Guarded, vcpu: number): void {
  const answer = enterIntegrity(unit(guest), vcpu, unit(guest).entry);
  if (guest.answered(vcpu, answer)) tell(guest);
}

function leave(guest: Guarded, vcpu: number): void {
  if (guest.answered(vcpu, leaveIntegrity(unit(guest), vcpu))) tell(guest);
}

export function wakeGuard(guest: Guarded, { guard, index }: GuardTag): void {
  const wish = wishOf(guest);
  const vcpu = updater(guest);
  const { data } = wish;
  switch (guard) {
    case "update":
      enter(guest, vcpu);
      guest.store(vcpu, data.page + (guest.state.guard!.updates % data.pages), 1);
      return guest.timer(Math.floor(wish.updateNs / 2), tagOf("middle"));
    case "middle":
      attackNow(guest, "in-update");
      if (!isInterrupted(guest)) return guest.timer(Math.ceil(wish.updateNs / 2), tagOf("end"));
      interruptIntegrity(unit(guest), vcpu, { ...AT, at: unit(guest).entry });
      tell(guest);
      attackNow(guest, "in-interrupt");
      return guest.timer(wish.interruptNs, tagOf("return"));
    case "return":
      resumeIntegrity(unit(guest), vcpu, { ...AT, at: unit(guest).entry });
      tell(guest);
      return guest.timer(Math.ceil(wish.updateNs / 2), tagOf("end"));
    case "end":
      guest.store(vcpu, data.page, data.pages);
      leave(guest, vcpu);
      guest.state.guard!.updates++;
      return guest.timer(wish.updateEveryNs, tagOf("update"));
    case "attack":
      (guest.state.guard!.waiting as number[]).push(index);
      return attackNow(guest, "at-once");
  }
}

function isInterrupted(guest: Guarded): boolean {
  const { interruptEvery } = wishOf(guest);
  return interruptEvery > 0 && (guest.state.guard!.updates + 1) % interruptEvery === 0;
}

/** Attacks whose time and moment have come. */
function attackNow(guest: Guarded, moment: AttackMoment): void {
  const { attacks } = wishOf(guest);
  const { guard } = guest.state;
  const due = guard!.waiting.filter((index) => attacks[index]!.when === moment);
  guard!.waiting = guard!.waiting.filter((index) => !due.includes(index));
  for (const index of due) attack(guest, attacks[index]!);
}

/**
 * What the kernel does in an update happens on another vCPU if there is one, else in an interrupt
 * handler of the same; the driver itself can err only in the mode.
 */
function attack(guest: Guarded, { by, when, page, pages }: AttackWish): void {
  const own = updater(guest);
  const vcpu = when === "in-interrupt" ? own : (own + 1) % guest.spec.vcpus;
  switch (by) {
    case "kernel":
      return outsideMode(guest, vcpu, () => guest.store(vcpu, page, pages));
    case "device":
      return guest.store(-1, page, pages);
    case "driver": {
      const isIn = unit(guest).modes[own]!.active;
      if (!isIn) enter(guest, own);
      guest.store(own, page, pages);
      return isIn ? undefined : leave(guest, own);
    }
    case "forged-entry":
      return outsideMode(guest, vcpu, () => {
        const past = unit(guest).entry + INTEGRITY_PAGE_BYTES / 2;
        guest.answered(vcpu, enterIntegrity(unit(guest), vcpu, past));
        guest.store(vcpu, page, pages);
      });
    case "unprotect":
      return outsideMode(guest, vcpu, () => {
        guest.answered(vcpu, unprotectPages(unit(guest), vcpu, { page, pages }));
        guest.store(vcpu, page, pages);
      });
  }
}

/** On the only vCPU there is, others execute in an interrupt of the driver. */
function outsideMode(guest: Guarded, vcpu: number, execute: () => void): void {
  if (!unit(guest).modes[vcpu]!.active) return execute();
  const frame = { ...AT, at: unit(guest).entry };
  interruptIntegrity(unit(guest), vcpu, frame);
  tell(guest);
  execute();
  resumeIntegrity(unit(guest), vcpu, frame);
  tell(guest);
}
