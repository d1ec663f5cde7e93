/**
 * Guards what a protected machine puts out, on the host that runs it: every step goes to the backup
 * as an entry of its log, and what is seen outside leaves only after the backup has acknowledged all
 * entries up to it (the Output Rule of VMware FT). Timers, computing, reads and flushes are not held.
 * Writes are: the disk is shared, and the machine that goes on sees what is on it.
 *
 * Must hold: outputs leave in the order in which the guest put them out, each once from here; a step
 * counts for the outside world, in the VM's record and log, when the backup has it. Whoever has won
 * the vote waits for nobody any more.
 */
import {
  component,
  type Entity,
  type Plain,
  type Request,
  startOperation,
} from "../kernel/index.ts";
import { ownClockNs, ownDelayNs } from "../disks/index.ts";
import {
  beginningOf,
  commitStep,
  type Crossed,
  giveUpRun,
  loseDisks,
  ofGuest,
  performOutput,
  progressReached,
  withOutputs,
} from "../vmm/index.ts";
import { goAlone } from "./go-alone.ts";
import {
  type Guard,
  type GuardConfig,
  guardedRecord,
  type GuardState,
  isFollowed,
  machineOf,
  protectionOf,
  type Unacknowledged,
} from "./guard-state.ts";
import {
  type Acknowledgement,
  type LogEntry,
  type LogMessage,
  messageBytes,
} from "./log-message.ts";
import { isHeld, isSeenOutside, letGo } from "./outputs.ts";
import { PROTECTION_NOTICE } from "./protection.ts";
import { hostOf, type NoFields } from "./settings.ts";

export const guard = component<GuardConfig, NoFields, GuardState>({
  kind: "ft-guard",
  volatile: ({ follower, from }) => ({
    mode: follower < 0 ? "taking-over" : "following",
    instance: -1,
    beginning: null,
    base: -1,
    steps: from.steps,
    acknowledged: from.steps,
    unacknowledged: [],
    outputs: null,
    nextOutput: from.outputs,
    held: [],
    left: from.outputs,
    heardNs: 0,
    pausedSinceNs: null,
  }),
  handlers: {
    /** A run is to begin: who is to follow it hears from here on. */
    begin: (self, _arg: number) => {
      self.edit().heardNs = ownClockNs(hostOf(self as never));
      tick(self);
    },
    tick: (self, _arg: number) => tick(self),
    /** The run is there, in the event in which it begins. */
    "run-begun": (self, instance: number) => onBegun(self, instance),
    /** From the machine, in its own event. */
    crossed: (self, crossed: Crossed & { readonly vm: number }) => onCrossed(self, crossed),
    acknowledged: (self, { body }: Request<Acknowledgement>) => onAcknowledged(self, body),
    /** The vote is over. */
    won: (self, _arg: number) => becomeAlone(self),
    lost: (self, _arg: number) => giveWay(self),
    /** In good order: nobody has to go on with it any more. */
    "run-ending": (self, _ended: string) => {
      commit(self, self.volatile.steps);
      const machine = machineOf(self);
      if (machine !== undefined) machine.edit().isProtected = false;
    },
    "run-ended": (self, ended: string) => onEnded(self, ended),
    gone: (self, _arg: number) => leaveHost(self),
  },
  /** Where nobody follows any more, the loss of this host is the machine's end. */
  crashed: (self) => {
    const vm = machineOf(self);
    const { follower } = protectionOf(self).durable;
    if (vm !== undefined && follower < 0) vm.edit().isProtected = false;
    self.world.remove(self as unknown as Entity);
  },
});

/** From here on the outside world knows of it: another start may have been under way beside this. */
function onBegun(self: Guard, instance: number): void {
  self.edit().instance = instance;
  const { vm, run, follower: id } = self.config;
  const host = hostOf(self as unknown as Entity).name;
  const follower = self.world.entityOrNone(id);
  const known = protectionOf(self).editDurable();
  known.run = run;
  known.primary = host;
  known.seen = 0;
  known.follower = follower?.id ?? -1;
  if (follower !== undefined) known.backup = hostOf(follower).name;
  if (!isFollowed(self)) return becomeAlone(self);
  self.edit().beginning = beginningOf(guardedRecord(self)) as never;
  known.state = "protected";
  self.notice(PROTECTION_NOTICE, { vm, run, event: "begun", host });
}

function onCrossed(self: Guard, { step, outputs, readSectors, vm }: Crossed & { vm: number }) {
  const state = self.edit();
  const { durable } = guardedRecord(self);
  const after = withOutputs(self.volatile.outputs ?? durable.outputs, ofGuest(outputs) as never);
  if (state.base < 0) state.base = durable.steps - state.steps;
  const entry = ++state.steps;
  const atNs = self.simulatedNs;
  state.outputs = after;
  state.instance = vm;
  state.unacknowledged.push({ step, outputs: after, atNs } as never);
  for (const output of outputs) {
    if (!isHeld(output)) continue;
    const number = isSeenOutside(output) ? state.nextOutput++ : -1;
    state.held.push({ entry, number, atNs, output } as never);
  }
  const machine = machineOf(self)!;
  if (isFollowed(self)) {
    machine.edit().isProtected = true;
    sendLog(self, entry - 1, { step, outputs: after }, readSectors);
  } else commit(self, entry);
  for (const output of outputs) if (!isHeld(output)) performOutput(machine, output);
  letGo(self);
  if (isFollowed(self)) throttle(self, 0);
}

function sendLog(self: Guard, first: number, entry: LogEntry | null, readSectors = 0): void {
  const bytes = messageBytes(entry, readSectors);
  const machine = machineOf(self);
  const reached = entry !== null || machine === undefined ? 0 : progressReached(machine);
  const { left, base, beginning } = self.volatile;
  const isFirst = entry !== null && beginning !== null;
  const body: LogMessage = { first, entry, left, base, reached, ...(isFirst && { beginning }) };
  if (isFirst) self.edit().beginning = null;
  self.measure("log-bytes", bytes);
  self.send(self.config.follower, "log", body as unknown as Plain, { bytes });
}

function tick(self: Guard): void {
  if (!isFollowed(self)) return;
  const { settings } = self.config;
  const { steps, mode, heardNs } = self.volatile;
  const host = hostOf(self as unknown as Entity);
  sendLog(self, steps, null);
  self.after(ownDelayNs(host, settings.heartbeatNs), "tick");
  if (mode !== "following" || ownClockNs(host) - heardNs <= settings.timeoutNs) return;
  self.edit().mode = "deciding";
  const { vm, run, array } = self.config;
  const params = { vm, run, array, guard: self.id };
  startOperation(self.world, goAlone, host as unknown as Entity, `${vm}.go-alone-${run}`, params);
}

function onAcknowledged(self: Guard, { received, behindNs }: Acknowledgement): void {
  if (!isFollowed(self)) return;
  self.edit().heardNs = ownClockNs(hostOf(self as unknown as Entity));
  commit(self, received);
  letGo(self);
  throttle(self, behindNs);
}

/** What the backup has, or nobody else needs to have, has happened for the outside world. */
function commit(self: Guard, entry: number): void {
  const record = guardedRecord(self);
  while (self.volatile.acknowledged < entry) {
    const state = self.edit();
    const { step, outputs } = state.unacknowledged.shift() as Unacknowledged;
    state.acknowledged++;
    const at = state.base + state.acknowledged - 1;
    commitStep(record, { run: self.config.run, at }, step, outputs);
  }
}

/** The primary waits while the backup, or the way to it, is too slow. */
function throttle(self: Guard, behindNs: number): void {
  const { unacknowledged, pausedSinceNs } = self.volatile;
  const { maxLagNs } = self.config.settings;
  const waitingNs = self.simulatedNs - (unacknowledged[0]?.atNs ?? self.simulatedNs);
  const lagNs = Math.max(behindNs, waitingNs);
  self.measure("lag-ns", lagNs);
  const machine = machineOf(self);
  if (machine === undefined || machine.volatile.stage === "ended") return;
  if (pausedSinceNs === null && lagNs > maxLagNs) {
    self.edit().pausedSinceNs = self.simulatedNs;
    self.notice("sometimes", { name: "a primary waits for its backup" });
    self.send(machine.id, "stun", {});
  } else if (lagNs <= maxLagNs / 2) goOnAgain(self);
}

function goOnAgain(self: Guard): void {
  const { pausedSinceNs, instance } = self.volatile;
  if (pausedSinceNs === null) return;
  self.edit().pausedSinceNs = null;
  self.measure("throttled-ns", self.simulatedNs - pausedSinceNs);
  self.send(instance, "unstun", {});
}

/** Nobody follows from here on: nothing is held, and the loss of this host ends the machine. */
function becomeAlone(self: Guard): void {
  const { vm, run } = self.config;
  const host = hostOf(self as unknown as Entity).name;
  self.edit().mode = "alone";
  if (self.volatile.instance < 0) return;
  const known = protectionOf(self).editDurable();
  known.state = known.primary === host ? "alone" : "taken-over";
  known.primary = host;
  known.follower = -1;
  const machine = machineOf(self);
  if (machine !== undefined) machine.edit().isProtected = false;
  self.notice(PROTECTION_NOTICE, { vm, run, event: "live", host });
  if (known.state === "alone" && self.config.follower >= 0) {
    self.notice("sometimes", { name: "a primary goes on without its backup" });
  }
  commit(self, self.volatile.steps);
  goOnAgain(self);
  letGo(self);
}

/** The backup is the one that lives: nothing of what is held here ever happened. */
function giveWay(self: Guard): void {
  const machine = machineOf(self);
  self.edit().held = [];
  if (machine === undefined || machine.volatile.stage === "ended")
    return self.world.remove(self as never);
  loseDisks(machine);
}

function onEnded(self: Guard, ended: string): void {
  const { vm, follower, run } = self.config;
  const record = guardedRecord(self);
  const known = protectionOf(self);
  if (ended !== "crash") {
    if (isFollowed(self)) self.send(follower, "end", {});
    // Not that of another start, where this one has not come so far.
    if (self.volatile.instance >= 0) known.editDurable().state = "off";
  } else if (isFollowed(self) && known.durable.follower < 0 && record.durable.run === run) {
    // Who was to go on is lost as well.
    giveUpRun(record);
    self.notice("fenced", { vm });
  }
  self.after(0, "gone");
}

/** With all that was made for a run that had gone on here. */
function leaveHost(self: Guard): void {
  const { world } = self;
  const parent = world.entityOrNone(self.parent);
  world.removeTree(parent?.kind === "ft-follower" ? parent : (self as unknown as Entity));
}
