/**
 * Follows a protected machine on another host: takes in its log, acknowledges what it has, and lets a
 * copy of the guest take the same steps, computing as long as the machine computes. When the machine
 * is not heard of any more it stands for election.
 *
 * Must hold: what was acknowledged is taken before it goes on in the machine's place; while it follows
 * nothing of the copy is seen outside, and no disk is touched.
 */
import {
  type Component,
  component,
  type Editable,
  type Entity,
  type OperationComponent,
  type Reply,
  type Request,
  startOperation,
} from "../kernel/index.ts";
import { ownClockNs, ownDelayNs } from "../disks/index.ts";
import type { GuestOutput } from "../guest/index.ts";
import {
  commitStep,
  copyOfNextRun,
  follow,
  giveUpRun,
  type RunCopy,
  settledLabel,
  type Vmm,
} from "../vmm/index.ts";
import {
  dismiss,
  followedRecord,
  type Follower,
  type FollowerState,
  forgetFollower,
} from "./follower-state.ts";
import { ACK_BYTES, type Acknowledgement, type LogEntry, type LogMessage } from "./log-message.ts";
import { isSeenOutside } from "./outputs.ts";
import { PROTECTION_NOTICE } from "./protection.ts";
import { type FollowerConfig, hostOf, type NoFields } from "./settings.ts";

export type FollowerComponent = Component<FollowerConfig, NoFields, FollowerState>;

export function followerComponent(vmm: Vmm, takeOver: OperationComponent): FollowerComponent {
  return component<FollowerConfig, NoFields, FollowerState>({
    kind: "ft-follower",
    volatile: () => ({
      stage: "following",
      copy: {} as RunCopy,
      base: 0,
      received: 0,
      queue: [],
      computed: 0,
      isComputing: false,
      nextOutput: 0,
      pending: [],
      heardNs: 0,
      heardAtNs: 0,
    }),
    handlers: {
      begin: (self, _arg: number) => begin(self, vmm),
      tick: (self, _arg: number) => tick(self, takeOver),
      log: (self, request: Request<LogMessage>) => takeIn(self, vmm, request),
      computed: (self, _reply: Reply) => {
        const state = self.edit();
        state.computed++;
        state.isComputing = false;
        catchUp(self, vmm);
      },
      /** The run was lost before anything of it was seen. */
      lose: (self, _arg: number) => loseRun(self),
      /** The run ended in good order. */
      end: (self, _request: Request) => {
        if (self.volatile.stage !== "live") dismiss(self);
      },
    },
    crashed: (self) => {
      forgetFollower(self);
      loseRun(self);
      self.world.remove(self as unknown as Entity);
    },
  });
}

/** As the machine is before its next run. */
function begin(self: Follower, vmm: Vmm): void {
  const record = followedRecord(self);
  const state = self.edit();
  state.copy = structuredClone(copyOfNextRun(vmm.kinds, record)) as Editable<RunCopy>;
  state.base = record.durable.steps;
  record.config.spec.disks.forEach(({ sectors }, disk) => {
    const settled = record.content(settledLabel(disk), sectors).capture();
    self.content(settledLabel(disk), sectors).restore(settled);
  });
  hear(self);
  self.after(self.config.settings.heartbeatNs, "tick");
}

function hear(self: Follower): void {
  const state = self.edit();
  state.heardNs = ownClockNs(hostOf(self as unknown as Entity));
  state.heardAtNs = self.simulatedNs;
}

function tick(self: Follower, takeOver: OperationComponent): void {
  const { stage, heardNs } = self.volatile;
  if (stage !== "following") return;
  const { settings, vm, run } = self.config;
  const host = hostOf(self as unknown as Entity);
  self.after(ownDelayNs(host, settings.heartbeatNs), "tick");
  if (ownClockNs(host) - heardNs <= settings.timeoutNs) return;
  self.edit().stage = "voting";
  const params = { vm, follower: self.id };
  startOperation(self.world, takeOver, host as never, `${vm}.fail-over-${run}`, params);
}

/** Steps in order, none left out; where one is missing nothing later is taken in. */
function takeIn(self: Follower, vmm: Vmm, { from, body }: Request<LogMessage>): void {
  const { stage, received } = self.volatile;
  const { first, entry, left } = body;
  if (stage === "live" || first > received) return;
  hear(self);
  if (entry !== null && first === received) {
    const state = self.edit();
    state.queue.push(entry as Editable<LogEntry>);
    state.received++;
    const { vm, run } = self.config;
    self.notice(PROTECTION_NOTICE, { vm, run, event: "received", received: state.received });
    commitStep(followedRecord(self), state.base + first, entry.step, entry.outputs);
    catchUp(self, vmm);
  }
  const { pending, received: has } = self.volatile;
  if ((pending[0]?.number ?? left) < left) {
    self.edit().pending = pending.filter(({ number }) => number >= left) as never;
  }
  const answer: Acknowledgement = { received: has, behindNs: behindNs(self) };
  self.send(from, "acknowledged", answer, { bytes: ACK_BYTES });
}

function behindNs({ volatile: { queue, copy } }: Follower): number {
  const last = queue.at(-1);
  return last === undefined ? 0 : last.step.nowNs - copy.nowNs;
}

/** The copy takes every step that it can; one that ends a burst waits until that is computed. */
function catchUp(self: Follower, vmm: Vmm): void {
  for (;;) {
    compute(self);
    const next = self.volatile.queue[0];
    if (next === undefined) return;
    const endsBurst = next.step.input.kind === "cpu-done";
    if (endsBurst && self.volatile.computed === 0) return;
    const state = self.edit();
    state.queue.shift();
    if (endsBurst) state.computed--;
    const { spec } = followedRecord(self).config;
    const settled = (disk: number) => self.content(settledLabel(disk), spec.disks[disk]!.sectors);
    const parts = { kinds: vmm.kinds, inputs: vmm.inputs, spec, settled };
    const outputs = follow(parts, state.copy as Editable<RunCopy>, next.step);
    keepOutputs(self, outputs);
    if (next.outputs.hash === self.volatile.copy.outputs.hash) continue;
    const { vm, run } = self.config;
    self.notice(PROTECTION_NOTICE, { vm, run, event: "diverged", step: state.copy.steps });
  }
}

function keepOutputs(self: Follower, outputs: readonly GuestOutput[]): void {
  const state = self.edit();
  for (const output of outputs) {
    if (!isSeenOutside(output)) continue;
    const number = state.nextOutput++;
    state.pending.push({ entry: 0, number, atNs: self.simulatedNs, output } as never);
  }
}

/** One burst at a time, on this host's processor. */
function compute(self: Follower): void {
  const { isComputing, computed, copy, stage } = self.volatile;
  const burst = copy.bursts[0]?.[computed];
  if (isComputing || burst === undefined || stage === "live") return;
  const { vm, powerOn } = self.config;
  const { shares } = followedRecord(self).config;
  self.edit().isComputing = true;
  const body = { vcpu: `${vm}/follower`, shares, workNs: burst.workNs };
  self.ask(powerOn.cpu, "run", body, { then: "computed" });
}

/** The machine was lost before, and nobody goes on with it: it may be restarted. */
function loseRun(self: Follower): void {
  const record = followedRecord(self);
  const { power, instance, run } = record.durable;
  if (power === "off" || instance >= 0 || run !== self.config.run) return;
  giveUpRun(record);
  self.notice("fenced", { vm: record.name });
}
