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
import {
  beginningOf,
  commitStep,
  giveUpRun,
  type RunBeginning,
  type RunCopy,
  type Vmm,
} from "../vmm/index.ts";
import {
  dismiss,
  followedRecord,
  type Follower,
  type FollowerState,
  type Following,
  forgetFollower,
} from "./follower-state.ts";
import { followingOf } from "./following.ts";
import { ACK_BYTES, type Acknowledgement, type LogEntry, type LogMessage } from "./log-message.ts";
import { forgetLeft } from "./pending-outputs.ts";
import { PROTECTION_NOTICE } from "./protection.ts";
import { type FollowerConfig, hostOf, type NoFields } from "./settings.ts";

export type FollowerComponent = Component<FollowerConfig, NoFields, FollowerState>;

export function followerComponent(vmm: Vmm, takeOver: OperationComponent): FollowerComponent {
  const following = followingOf(vmm);
  return component<FollowerConfig, NoFields, FollowerState>({
    kind: "ft-follower",
    volatile: () => ({
      stage: "following",
      copy: {} as RunCopy,
      received: 0,
      queue: [],
      reached: 0,
      computed: 0,
      isComputing: false,
      nextOutput: 0,
      left: 0,
      pending: [],
      heardNs: 0,
      heardAtNs: 0,
    }),
    handlers: {
      begin: (self, _arg: number) => begin(self, following(self)),
      tick: (self, _arg: number) => tick(self, takeOver),
      log: (self, request: Request<LogMessage>) => takeIn(self, following(self), request),
      computed: (self, _reply: Reply) => {
        const state = self.edit();
        state.computed++;
        state.isComputing = false;
        following(self).catchUp(self);
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

/** As the machine is now: until it begins the run before may go on, or its disks be replaced. */
function begin(self: Follower, following: Following): void {
  copyFrom(self, following, beginningOf(followedRecord(self)));
  hear(self);
  self.after(self.config.settings.heartbeatNs, "tick");
}

function copyFrom(self: Follower, following: Following, beginning: RunBeginning): void {
  self.edit().copy = following.begin(self, beginning) as Editable<RunCopy>;
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
function takeIn(self: Follower, following: Following, { from, body }: Request<LogMessage>): void {
  const { stage, received } = self.volatile;
  const { first, entry, left, base, reached, beginning } = body;
  if (stage === "live" || first > received) return;
  hear(self);
  if (first === received) {
    if (beginning !== undefined) copyFrom(self, following, beginning);
    following.beforeMore(self);
    if (entry === null) self.edit().reached = reached;
    else receive(self, base + first, entry);
    self.edit().left = left;
    following.catchUp(self);
    following.haveLeft(self, forgetLeft(self));
  }
  const behindNs = following.behindNs(self);
  const answer: Acknowledgement = { received: self.volatile.received, behindNs };
  self.send(from, "acknowledged", answer, { bytes: ACK_BYTES });
}

/** `at`: steps before it, since the first power-on. */
function receive(self: Follower, at: number, entry: LogEntry): void {
  const { vm, run } = self.config;
  const state = self.edit();
  state.queue.push(entry as Editable<LogEntry>);
  state.received++;
  state.reached = "draws" in entry.step ? 0 : entry.step.step;
  self.notice(PROTECTION_NOTICE, { vm, run, event: "received", received: state.received });
  commitStep(followedRecord(self), { run, at }, entry.step, entry.outputs);
}

/** The machine was lost before, and nobody goes on with it: it may be restarted. */
function loseRun(self: Follower): void {
  const record = followedRecord(self);
  const { power, instance, run } = record.durable;
  if (power === "off" || instance >= 0 || run !== self.config.run) return;
  giveUpRun(record);
  self.notice("fenced", { vm: record.name });
}
