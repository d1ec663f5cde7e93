/**
 * A virtual machine whose guest is a real RISC-V machine, while it is powered on: one entity a run, in
 * the domain of its host, with the same requests as any other. The machine itself advances with
 * simulated time (advancing.ts); what it puts out at an instruction is carried out by an event at
 * the time of that instruction, and what it receives takes effect where it stands.
 *
 * Must hold: while it is stunned its progress stands still; its state goes with the host.
 */
import {
  component,
  type Component,
  type Entity,
  type EntityId,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import type { rv64 } from "../../guest/index.ts";
import { followDriver } from "../integrity/follow.ts";
import { stunVerbs } from "../stun-verbs.ts";
import { stunsOfOthers } from "../integrity/standing.ts";
import { memoryReplaced } from "../pages/clients.ts";
import { tellHeld } from "../pages/held.ts";
import { removeMemory } from "../pages/guest-memory.ts";
import { knownMemory } from "../pages/memory-state.ts";
import { announce } from "../policy.ts";
import { goOnFromImage } from "../run-image.ts";
import { attachDisks } from "../vm.ts";
import type { NoState } from "../vm-record.ts";
import {
  endRun,
  isSuperseded,
  leaveRecord,
  type VmEntity,
  type VmInstanceConfig,
} from "../vm-state.ts";
import { machineAdvance } from "./advancing.ts";
import { goOnMachine } from "./continued-machine.ts";
import { logEnd, MACHINE_KIND } from "./end-entry.ts";
import { deliver, logInput, machineRecord, typeText } from "./inputs.ts";
import { stun } from "./stun.ts";
import type { Machines } from "./live-machine.ts";
import { machineConfig, type MachineEntity, type MachineState } from "./machine-state.ts";
import { powerMachine } from "./power-machine.ts";
import { blockDone, carryOut, type FrameMessage } from "./outputs.ts";
import { beginTyping } from "./typing.ts";
import { viewMachine } from "./view.ts";

export type MachineComponent = Component<VmInstanceConfig, NoState, MachineState>;

const asVm = (self: MachineEntity): VmEntity => self as unknown as VmEntity;

export function machineComponent(machines: Machines | undefined): MachineComponent {
  return component<VmInstanceConfig, NoState, MachineState>({
    kind: MACHINE_KIND,
    volatile: () => ({
      stage: "opening",
      startedNs: 0,
      stuns: 0,
      stunnedSinceNs: 0,
      stunnedNs: 0,
      disks: [],
      timers: {},
      shutdownBy: null,
      isProtected: false,
      goesOnFrom: null,
      boots: 0,
      board: null,
      clock: { sinceNs: 0, from: 0 },
      toNs: 0,
      idleUntil: null,
      exit: null,
      held: [],
      console: "",
      typing: { next: 0, shown: "" },
    }),
    handlers: {
      boot: (self, _arg: number) => boot(self, machines),
      attach: (self, request: Request<{ readonly disks: readonly EntityId[] }>) => {
        attachDisks(asVm(self), request.body.disks);
        self.reply(request, {});
      },
      /** It has its disks, and takes the place of a former instance. */
      "go-on": (self, _arg: number) => {
        const from = self.volatile.goesOnFrom!;
        if ("image" in from) return goOnFromImage(asVm(self), from);
        if (goOnMachine(self, from)) self.after(0, "boot");
      },
      exit: (self, _arg: number) => onExit(self),
      "take-held": (self, _arg: number) => {
        if (self.volatile.stuns === 0) takeHeld(self);
      },
      halted: (self, how: string) => onHalted(self, how, machines),
      type: (self, text: string) => typeText(self, text),
      "block-replied": (self, reply: Reply) => {
        const input = blockDone(self, reply);
        if (input !== undefined) deliver(self, input);
      },
      "disk-resized": (self, { disk, sectors }: { disk: number; sectors: number }) =>
        deliver(self, { kind: "block-size", disk: self.config.spec.disks[disk]!.id, sectors }),
      packet: (self, { body }: Request<FrameMessage>) => {
        const { peers } = machineConfig(self);
        const nic = Object.keys(peers).find((each) => peers[each] === body.from);
        if (nic !== undefined) deliver(self, { kind: "packet", nic, bytes: body.bytes });
      },
      ...stunVerbs<MachineEntity>(stun, unstun),
      /** It has no power button. */
      shutdown: (self, request: Request) => self.refuse(request, "unsupported"),
      "power-off": (self, request: Request) => {
        self.reply(request, {});
        endRun(asVm(self), "power-off");
      },
      gone: (self, _arg: number) => {
        for (const disk of self.volatile.disks) {
          const entity = self.world.entityOrNone(disk);
          if (entity?.parent === self.id) self.world.removeTree(entity);
        }
        removeMemory(self);
        self.world.remove(self as unknown as Entity);
      },
    },
    advance: machineAdvance(machines?.slice ?? 1),
    view: (self: MachineEntity, path) => viewMachine(self, path, machines),
    crashed: (self) => {
      if (self.volatile.stage !== "ended") leaveRecord(asVm(self), "crash");
      self.world.remove(self as unknown as Entity);
    },
  });
}

/** Power-on, or a reset. */
function boot(self: MachineEntity, machines: Machines | undefined): void {
  if (self.volatile.stage !== "running") return;
  const board = powerMachine(self, machineConfig(self).board, machines);
  const traced = knownMemory(self);
  if (traced !== undefined) memoryReplaced(traced);
  const state = self.edit();
  state.boots++;
  state.board = board as never;
  state.exit = null;
  state.idleUntil = null;
  state.toNs = self.simulatedNs;
  state.clock = { sinceNs: self.simulatedNs, from: board.progress };
  followDriver(self);
  if (!logInput(self, { kind: "start", run: self.config.run })) return;
  tellSizes(self);
  beginTyping(self);
}

/** Disks may have grown since the machine was described. */
function tellSizes(self: MachineEntity): void {
  self.config.spec.disks.forEach(({ id }, at) => {
    const open = self.world.entityOrNone(self.volatile.disks[at]!);
    if (open?.kind !== "virtual-disk") return;
    const { sectors } = open.config as { readonly sectors: number };
    const known = machineConfig(self).board.disks.find((each) => each.id === id)!.sectors;
    if (sectors !== known) deliver(self, { kind: "block-size", disk: id, sectors });
  });
}

function onExit(self: MachineEntity): void {
  const { exit, stage } = self.volatile;
  if (exit === null || stage === "ended" || isSuperseded(asVm(self))) return;
  const memory = knownMemory(self);
  if (memory !== undefined && memory.volatile.held !== null) return tellHeld(memory);
  self.edit().exit = null;
  followDriver(self);
  carryOut(self, exit.outputs as unknown as readonly rv64.BoardOutput[]);
}

/** It was the last that it put out. */
function onHalted(self: MachineEntity, how: string, machines: Machines | undefined): void {
  if (how !== "reset") return endRun(asVm(self), "shutdown");
  if (self.config.guard >= 0) logInput(self, { kind: "end", isCut: false });
  else logEnd(machineRecord(self));
  boot(self, machines);
}

/** The last of nested stuns lets it go on. Returns how long it was stunned, 0 if it still is. */
function unstun(self: MachineEntity): number {
  if (stunsOfOthers(asVm(self)) === 0) return 0;
  const state = self.edit();
  if (state.stuns === 0 || --state.stuns > 0) return 0;
  const nowNs = self.simulatedNs;
  const stunnedNs = nowNs - state.stunnedSinceNs;
  state.stunnedNs += stunnedNs;
  // It may have been ahead when it was stopped.
  const sinceNs = Math.max(nowNs, state.toNs);
  state.toNs = sinceNs;
  state.clock = { sinceNs, from: state.board?.progress ?? 0 };
  self.measure("stun-ns", stunnedNs);
  announce(asVm(self), "unstunned");
  takeHeld(self);
  return stunnedNs;
}

/** What came meanwhile; it may have to stop again at the first of it. */
function takeHeld(self: MachineEntity): void {
  const held = self.volatile.held as unknown as readonly rv64.BoardInput[];
  self.edit().held = [];
  for (const input of held) deliver(self, input);
}
