/** State of a run of a virtual machine, and the steps that both its inputs and outputs lead to. */
import type { Component, Entity, EntityId, Plain, Request, TimerHandle } from "../kernel/index.ts";
import type { GuestInput, GuestSpec, GuestState, PacketInput } from "../guest/index.ts";
import { type BlockRequest, type HostEntity, releaseMemory } from "../platform/index.ts";
import { knownMemory } from "./pages/memory-state.ts";
import { takeOwed } from "./pages/owed.ts";
import { announce } from "./policy.ts";
import type { RunCopy } from "./run-copy.ts";
import type { RunImage } from "./run-image.ts";
import { logEnd } from "./rv64/end-entry.ts";
import type { NoState, VmRecord } from "./vm-record.ts";

export type VmInstanceConfig = {
  readonly spec: GuestSpec;
  readonly record: EntityId;
  readonly run: number;
  /** The run before ended without an orderly shutdown. */
  readonly crashed: boolean;
  readonly cpu: EntityId;
  readonly shares: number;
  /** Entity of the host that decides when what the guest puts out leaves the machine; -1: none. */
  readonly guard: EntityId;
};

export type Burst = { readonly workNs: number; readonly tag: Plain };

export type VmState = {
  readonly stage: "opening" | "running" | "ended";
  readonly startedNs: number;
  /** Stuns that have not been taken back. */
  readonly stuns: number;
  readonly stunnedSinceNs: number;
  /** Ended stuns of this run, summed up. */
  readonly stunnedNs: number;
  readonly disks: readonly EntityId[];
  /** Inputs that arrived during the stun. */
  readonly held: readonly GuestInput[];
  readonly nextTimer: number;
  /** `dueNs` in the guest's time. */
  readonly timers: {
    readonly [id: string]: {
      readonly dueNs: number;
      readonly handle: TimerHandle;
      readonly tag: Plain;
    };
  };
  /** Bursts of each vCPU; the first one is computed now. */
  readonly bursts: readonly (readonly Burst[])[];
  readonly pageReads: number;
  readonly pageWrites: number;
  readonly guest: GuestState;
  /** Who asked for a shutdown, and is answered when it is off. */
  readonly shutdownBy: Request | null;
  /** If its host is lost another one goes on with it: that is not its end. */
  readonly isProtected: boolean;
  /** What it goes on from once it has its disks; null: it starts. */
  readonly goesOnFrom: RunCopy | RunImage | null;
  /** One of its stuns is that of this integrity alert; none: no such stun. */
  readonly standsAt?: number;
  /** The operation that stops it for good; see stop-claim.ts. None: nobody does. */
  readonly stoppedBy?: EntityId;
  /** Of a run that was moved: how many messages it had sent before, by peer, and until when it says. */
  readonly sentBefore?: { readonly counts: { readonly [peer: string]: number }; untilNs: number };
  /** Messages that came before those that were sent before them; see stream-order.ts. */
  readonly early?: readonly PacketInput[];
  /** Up to which number messages of a sender are not waited for any more. */
  readonly givenUp?: {
    readonly [from: string]: { readonly run: number; readonly sequence: number };
  };
};

export type VmEntity = Entity<VmInstanceConfig, NoState, VmState>;
export type VmComponent = Component<VmInstanceConfig, NoState, VmState>;

/** What came of a block request: which, of what kind, and when it was sent. */
export type BlockTag = {
  readonly id: number;
  readonly op: BlockRequest["op"];
  readonly sentNs: number;
};

export const recordOf = (self: VmEntity): VmRecord =>
  self.world.entity(self.config.record) as unknown as VmRecord;

/** The outside world goes on with another run, and hears nothing of this one any more. */
export const isSuperseded = (self: VmEntity): boolean =>
  recordOf(self).durable.instance !== self.id;

/** The host has lost the disks of this run to another one: it cannot go on here. */
export function loseDisks(self: VmEntity): void {
  endRun(self, "crash");
}

/** Ends the run in this event; the entity goes in the next. */
export function endRun(self: VmEntity, ended: "shutdown" | "power-off" | "crash"): void {
  if (self.volatile.stage === "ended") return;
  const guard = self.world.entityOrNone(self.config.guard);
  if (guard !== undefined && ended !== "crash") self.world.call(guard, "run-ending", ended);
  leaveRecord(self, ended);
  releaseHostMemory(self);
  const state = self.edit();
  for (const { handle } of Object.values(state.timers)) self.world.queue.cancel(handle);
  state.timers = {};
  state.stage = "ended";
  if (state.shutdownBy !== null) self.reply(state.shutdownBy as Request, {});
  if (guard !== undefined) self.world.call(guard, "run-ended", ended);
  self.after(0, "gone");
}

/** The outside world learns that the run is over. */
export function leaveRecord(self: VmEntity, ended: "shutdown" | "power-off" | "crash"): void {
  if (isSuperseded(self)) return;
  const durable = recordOf(self).editDurable();
  if (ended === "crash" && self.volatile.isProtected) return void (durable.instance = -1);
  logEnd(recordOf(self));
  durable.instance = -1;
  durable.power = "off";
  durable.ended = ended;
  delete (durable as { standsAt?: number }).standsAt;
  // A machine that is on its way may go on although the host is lost that it comes from.
  if (ended !== "crash") delete (durable as { stunsByHand?: number }).stunsByHand;
  announce(self, ended === "crash" ? "crash" : "power-off");
}

/** Whoever powered it on reserved the memory, under the name of the machine. */
function releaseHostMemory(self: VmEntity): void {
  const { world, domain, config } = self;
  const id = world.registry.idOf(world.registry.domain(domain).name);
  const host = id === undefined ? undefined : world.entity(id);
  if (host?.kind === "host") releaseMemory(host as unknown as HostEntity, config.spec.vm);
}

export function computeNext(self: VmEntity, vcpu: number): void {
  const { cpu, shares, spec } = self.config;
  const { workNs } = self.volatile.bursts[vcpu]![0]!;
  const wholeNs = workNs + takeOwed(knownMemory(self), vcpu);
  if (cpu < 0) return void self.after(wholeNs, "computed", vcpu);
  const body = { vcpu: `${spec.vm}/vcpu-${vcpu}`, shares, workNs: wholeNs };
  self.ask(cpu, "run", body, { then: "cpu-replied", tag: vcpu });
}
