/**
 * The scenario's driver: starts the operations of the timeline when their time or their phase
 * comes, lets faults strike, brings crashed domains back, and restarts VMs elsewhere when their host
 * is gone. It stands outside the datacenter, sees all of it, and knows true time.
 */
import { runningView } from "../../core/disks/index.ts";
import {
  bernoulli,
  component,
  type Entity,
  exponential,
  fromMs,
  fromUs,
  operationUnderWay,
  type PlainObject,
  type World,
} from "../../core/kernel/index.ts";
import type {
  ResolvedFault,
  ResolvedScenario,
  ResolvedTimelineEntry,
  ResolvedVm,
} from "../schema/scenario.generated.ts";
import {
  adoptDisk,
  diskPlace,
  lostToCrash,
  PAUSED,
  RESUMED,
  UNPAUSED,
  vmOf,
  vmRecordOf,
} from "../../core/vmm/index.ts";
import {
  type AlertSaves,
  letGoOn,
  onAlertEnd,
  onAlertPhase,
  onAlertSaveEnd,
  onAlertStop,
  onAlertWake,
  saveNow,
} from "./alert-checkpoints.ts";
import { strike } from "./faults.ts";
import { savesMemory, settleAfterBoot } from "./operations/checkpoints.ts";
import { hasEvacuations, onSensor } from "./operations/evacuation.ts";
import { powerOnVm } from "./operations/power.ts";
import { startEntry } from "./operations/start-entry.ts";
import type { Extension } from "../schema/extension.ts";

/** From the loss of a host until its VMs are started elsewhere: failure detection and placement. */
export const RESTART_DELAY_NS = fromMs(2_000);
/** After a restart that failed: twice as long each time, up to the longest, so many times. */
const RETRY_NS = fromMs(1_000);
const LONGEST_RETRY_NS = fromMs(30_000);
const MOST_RETRIES = 16;

const COMPLETE = ".complete";

export type DriverConfig = PlainObject & { readonly document: ResolvedScenario };

type DriverState = {
  /** Restarts begun, for the names of their operations. */
  readonly restarts: number;
  /** The last restart of each VM that was begun by itself, and how many failed since one worked. */
  readonly attempts: { readonly [vm: string]: { readonly id: string; readonly failed: number } };
  /** Faults that struck, by index: those with `atMs` or `during` strike once. */
  readonly struck: readonly boolean[];
  /** How often entries were started that may be again, by id; none: there are no such entries. */
  readonly starts?: { readonly [id: string]: number };
  /** Operations that replaced a VM's disks, none: there were none. Told again, it may run by then. */
  readonly replacedBy?: readonly string[];
  /** Of VMs that are saved at integrity alerts; none: there were no alerts. */
  readonly alertSaves?: { readonly [vm: string]: AlertSaves };
};

export type Driver = Entity<DriverConfig, DriverState, Record<string, never>>;

/** `own` are the mechanisms that the scenario file brings. */
export function driverComponent(own: readonly Extension[]) {
  return component<DriverConfig, DriverState, Record<string, never>>({
    kind: "driver",
    omniscient: true,
    durable: () => ({ restarts: 0, attempts: {}, struck: [] }),
    handlers: {
      begin: (self) => begin(self),
      entry: (self, index: number) => startOnce(self, entryOf(self, index), own),
      fault: (self, index: number) => letStrike(self, index, own),
      phase: (self, data: PlainObject) => {
        onMoment(self, `${data["id"]}.${data["phase"]}`, own);
        onAlertPhase(self, data);
      },
      ended: (self, data: PlainObject) => {
        const [id, outcome] = [data["id"] as string, data["outcome"] as string];
        onMoment(self, `${id}.${outcome}`, own);
        onMoment(self, `${id}.ended`, own);
        onRestartEnd(self, id, outcome);
        onAlertSaveEnd(self, id, outcome);
      },
      step: (self, data: { step: number }) => onStep(self, data.step, own),
      crashed: (self, data: PlainObject) => onCrash(self, data["domain"] as string),
      fenced: (self, data: PlainObject) => onFenced(self, data["vm"] as string),
      sensor: (self, data: PlainObject) =>
        onSensor(self, data["host"] as string, data["level"] as string),
      "disks-replaced": (self, data: PlainObject) =>
        adoptDisks(self, data["vm"] as string, data["by"] as string),
      lifecycle: (self, data: PlainObject) => onLifecycle(self, data),
      restarted: (self, data: PlainObject) => onRestart(self, data["domain"] as string),
      "save-at-alert": (self, { vm }: { vm: string }) => saveNow(self, vm),
      "let-go-on": (self, { vm }: { vm: string }) => letGoOn(self, vm),
      "restart-vm": (self, vm: { vm: string }) => restartLost(self, vm.vm),
      heal: (self, arg: { index: number }) => strike(self, faultOf(self, arg.index), "ends", own),
      /** An operator's line: `snapshot db`, `stun db`, `crash alpha`, `restart alpha`, `type vm ls`. */
      console: (self, line: string) => obey(self, line, own),
      "crash-domain": (self, arg: { domain: string }) =>
        self.world.crash(self.world.registry.domainNamed(arg.domain)!, "degraded"),
      "power-on-again": (self, arg: { vm: string; id: string; host: string }) =>
        powerOnVm(self, arg.vm, arg.id, arg.host),
      "restart-domain": (self, arg: { domain: string }) => restartDomain(self.world, arg.domain),
    },
  });
}

/** Subscribes to what the driver waits for; part of building. */
export function wireDriver(world: World, driver: Driver): void {
  const entity = driver as unknown as Entity;
  world.subscribe("phase", entity, "phase");
  world.subscribe("operation-end", entity, "ended");
  world.subscribe("crash", entity, "crashed");
  world.subscribe("restart", entity, "restarted");
  world.subscribe("disks-replaced", entity, "disks-replaced");
  world.subscribe("fenced", entity, "fenced");
  if (savesMemory(driver.config.document)) world.subscribe("lifecycle", entity, "lifecycle");
  const { faults } = driver.config.document;
  if (hasEvacuations(driver.config.document)) world.subscribe("sensor", entity, "sensor");
  if (faults.some(({ atStep }) => atStep !== undefined)) world.subscribe("durable", entity, "step");
  driver.after(0, "begin");
}

function begin(self: Driver): void {
  const { vms, timeline, faults } = self.config.document;
  vms.forEach(({ id, poweredOn }) => poweredOn && powerOnVm(self, id, `${id}.power-on`));
  timeline.forEach((entry, index) => {
    if (entry.atMs !== undefined) self.after(fromMs(entry.atMs), "entry", index);
  });
  faults.forEach((fault, index) => {
    if (fault.atMs !== undefined) self.after(fromMs(fault.atMs), "fault", index);
    if (fault.meanIntervalMs !== undefined) scheduleNext(self, fault, index);
  });
}

function scheduleNext(self: Driver, fault: ResolvedFault, index: number): void {
  const delayNs = self.draw(`fault ${index} interval`, exponential(fromMs(fault.meanIntervalMs!)));
  self.after(delayNs, "fault", index);
}

function onMoment(self: Driver, moment: string, own: readonly Extension[]): void {
  const { timeline, faults } = self.config.document;
  timeline.forEach((entry, index) => {
    if (entry.after === moment) self.after(fromMs(entry.delayMs), "entry", index);
  });
  faults.forEach((fault, index) => {
    if (fault.during !== moment || self.durable.struck[index] === true) return;
    if (fault.delayUs === 0) letStrike(self, index, own);
    else self.after(fromUs(fault.delayUs), "fault", index);
  });
}

/**
 * A phase may come again and again; what is to start after it is not started beside itself. Later
 * starts are counted: none may take what one before it left behind for its own.
 */
function startOnce(self: Driver, entry: ResolvedTimelineEntry, own: readonly Extension[]): void {
  const { id, after } = entry;
  if (after !== undefined && operationUnderWay(self.world, id) !== undefined) return;
  if (mayComeAgain(self, entry)) {
    const { starts } = self.durable;
    self.editDurable().starts = { ...starts, [id]: (starts?.[id] ?? 0) + 1 };
  }
  startEntry(self, entry, own);
}

/**
 * What is started once completes once: any other moment may come as often as it likes. It may end more
 * often: lost with its host, and once more when a power-on has gone on with it.
 */
function mayComeAgain(self: Driver, { after }: ResolvedTimelineEntry): boolean {
  if (after === undefined) return false;
  const before = after.endsWith(COMPLETE) ? after.slice(0, -COMPLETE.length) : undefined;
  const found = self.config.document.timeline.find(({ id }) => id === before);
  return found === undefined || mayComeAgain(self, found);
}

function onStep(self: Driver, step: number, own: readonly Extension[]): void {
  self.config.document.faults.forEach((fault, index) => {
    if (fault.atStep === step) letStrike(self, index, own);
  });
}

function letStrike(self: Driver, index: number, own: readonly Extension[]): void {
  const fault = faultOf(self, index);
  if (fault.meanIntervalMs !== undefined) scheduleNext(self, fault, index);
  const { struck } = self.editDurable();
  struck[index] = true;
  const chance = bernoulli(Math.round(fault.probability * 1_000_000));
  if (fault.probability < 1 && self.draw(`fault ${index}`, chance) === 0) return;
  self.notice("fault", { fault: fault.kind, ...(fault as unknown as PlainObject) });
  strike(self, fault, "begins", own);
  const { durationMs } = fault as { durationMs?: number };
  if (durationMs !== undefined) self.after(fromMs(durationMs), "heal", { index });
  const { restartAfterMs } = fault as { restartAfterMs?: number };
  const { thenCrash } = fault as { thenCrash?: boolean };
  if (restartAfterMs === undefined || thenCrash) return;
  const { domain } = fault as { domain: string };
  self.after(fromMs(restartAfterMs), "restart-domain", { domain });
}

/** A host is gone: its VMs start elsewhere, the important ones first. */
function onCrash(self: Driver, domain: string): void {
  const { vms } = self.config.document;
  const lost = vms.filter(({ id }) => vmRecordOf(self.world, id).durable.host === domain);
  scheduleRestarts(self, lost);
}

/** A VM was ended because its disks went to a host that may never have started it. */
function onFenced(self: Driver, vm: string): void {
  const ended = self.config.document.vms.find(({ id }) => id === vm);
  if (ended !== undefined) scheduleRestarts(self, [ended]);
}

/** What the guest will find is what its disks hold now. */
function adoptDisks(self: Driver, vm: string, by: string): void {
  const { world, config } = self;
  const { replacedBy = [] } = self.durable;
  if (replacedBy.includes(by)) return;
  self.editDurable().replacedBy = [...replacedBy, by];
  const { disks } = config.document.vms.find(({ id }) => id === vm)!;
  for (const { id, on } of disks) {
    const content = runningView(world, on, vm, id);
    if (content !== undefined) adoptDisk(vmRecordOf(world, vm), id, content);
  }
}

/** A host is back: VMs that were lost and found no other place start on it. */
function onRestart(self: Driver, domain: string): void {
  const { vms } = self.config.document;
  const waiting = vms.filter(({ id, restartOn }) => {
    const record = vmRecordOf(self.world, id);
    if (!lostToCrash(record)) return false;
    return record.durable.host === domain || restartOn.includes(domain);
  });
  scheduleRestarts(self, waiting);
}

function onLifecycle(self: Driver, { event, vm }: PlainObject): void {
  if (typeof vm !== "string") return;
  if (event === PAUSED) return onAlertStop(self, vm);
  if (event === UNPAUSED) return onAlertEnd(self, vm);
  if (event === RESUMED) return onAlertWake(self, vm);
  if (event !== "postboot") return;
  settleAfterBoot(self, vm, `${vm}.settle-${self.editDurable().restarts++}`);
}

function scheduleRestarts(self: Driver, vms: readonly ResolvedVm[]): void {
  for (const { id } of [...vms].sort((a, b) => b.priority - a.priority)) {
    self.after(RESTART_DELAY_NS, "restart-vm", { vm: id });
  }
}

/**
 * On the first host of `restartOn` that is up, else where it was; after an attempt that failed on
 * the next of them. While none is up the VM waits for one to come back.
 */
function restartLost(self: Driver, vm: string): void {
  const record = vmRecordOf(self.world, vm);
  const { id, failed } = self.durable.attempts[vm] ?? { id: "", failed: 0 };
  if (!lostToCrash(record) || self.world.registry.idOf(id) !== undefined) return;
  const { restartOn } = self.config.document.vms.find((each) => each.id === vm)!;
  const before = record.durable.host;
  const elsewhere = restartOn.filter((each) => each !== before);
  const bound = hostOfLocalDisks(self, vm);
  const hosts = [...elsewhere, before].filter(
    (each) => hostIsUp(self.world, each) && (bound === undefined || each === bound),
  );
  if (hosts.length > 0) restartOnHost(self, vm, hosts[failed % hosts.length]!);
}

/** A disk on a host's own medium is there only: a machine that has moved to it starts nowhere else. */
function hostOfLocalDisks({ world, config }: Driver, vm: string): string | undefined {
  const record = vmRecordOf(world, vm);
  const { disks } = config.document.vms.find(({ id }) => id === vm)!;
  const place = disks.map(({ id }) => diskPlace(record, id)).find((each) => each !== undefined);
  return place === undefined ? undefined : world.registry.domain(world.named(place).domain).name;
}

function restartOnHost(self: Driver, vm: string, host: string): void {
  const state = self.editDurable();
  state.restarts++;
  const id = `${vm}.restart-${state.restarts}`;
  state.attempts[vm] = { id, failed: state.attempts[vm]?.failed ?? 0 };
  powerOnVm(self, vm, id, host);
}

/** One that failed is tried again: its disks may still have been another's, its host went too. */
function onRestartEnd(self: Driver, id: string, outcome: string): void {
  const { attempts } = self.durable;
  const vm = Object.keys(attempts).find((each) => attempts[each]!.id === id);
  if (vm === undefined) return;
  if (outcome === "complete") return void delete self.editDurable().attempts[vm];
  const failed = ++self.editDurable().attempts[vm]!.failed;
  if (failed > MOST_RETRIES) return;
  const delayNs = Math.min(LONGEST_RETRY_NS, RETRY_NS * 2 ** (failed - 1));
  self.after(delayNs, "restart-vm", { vm });
}

/** Commands typed while the run goes on; what is not understood is told and does nothing. */
function obey(self: Driver, line: string, own: readonly Extension[]): void {
  const [verb = "", name = ""] = line.split(/\s+/);
  const number = self.editDurable().restarts++;
  const domain = self.world.registry.domainNamed(name);
  const vm = self.config.document.vms.find(({ id }) => id === name);
  self.notice("console", { line });
  if (verb === "crash" && domain !== undefined) return self.world.crash(domain, "console");
  if (verb === "restart" && domain !== undefined) return self.world.restart(domain);
  if (vm !== undefined && verb === "type") return typeLine(self.world, name, line);
  if (vm === undefined || !CONSOLE_OPERATIONS.has(verb)) return;
  const disks = vm.disks
    .filter(({ kind }) => kind === "redo" || kind === "cow")
    .map(({ id }) => id);
  const entry = { id: `console-${number}`, do: verb, vm: name, disks, delayMs: 0 };
  startEntry(self, entry as unknown as ResolvedTimelineEntry, own);
}

/** `type VM TEXT`: a line for the serial console of a real guest. */
function typeLine(world: World, vm: string, line: string): void {
  const instance = vmOf(vmRecordOf(world, vm)) as Entity | undefined;
  if (instance?.handlers["type"] === undefined) return;
  const text = line.replace(/^\S+\s+\S+\s?/, "");
  world.schedule(instance, 0, "type", `${text}\n`);
}

const CONSOLE_OPERATIONS = new Set(["snapshot", "stun", "unstun", "power-on", "power-off"]);

function hostIsUp(world: World, host: string): boolean {
  const domain = world.registry.domainNamed(host);
  return domain !== undefined && world.isUp(domain);
}

function restartDomain(world: World, name: string): void {
  const domain = world.registry.domainNamed(name);
  if (domain !== undefined) world.restart(domain);
}

const entryOf = (self: Driver, index: number): ResolvedTimelineEntry =>
  self.config.document.timeline[index]!;

const faultOf = (self: Driver, index: number): ResolvedFault => self.config.document.faults[index]!;
