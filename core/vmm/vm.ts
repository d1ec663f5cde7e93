/**
 * A virtual machine while it is powered on: one entity a run, in the domain of its host. It turns
 * what the guest puts out into requests and timers, and hands it the answers.
 *
 * Must hold: while it is stunned the guest receives nothing and its time stands still; what arrives
 * is held in order. Its state goes with the host; what outlives it is in the record.
 */
import {
  assert,
  component,
  type ContentRun,
  type Editable,
  type EntityId,
  type Entity,
  type Plain,
  type Reply,
  type Request,
  SECTOR_BYTES,
} from "../kernel/index.ts";
import {
  type GuestInput,
  type GuestInputs,
  type GuestKinds,
  type GuestState,
  initialState,
  kindOf,
  type PacketInput,
} from "../guest/index.ts";
import { LATENCY_SERIES } from "../platform/index.ts";
import { cross, crossGuarded } from "./boundary.ts";
import { goOn } from "./continued-run.ts";
import { guestNs } from "./guest-time.ts";
import { forward } from "./moved-run.ts";
import { stunVerbs } from "./stun-verbs.ts";
import { stunsOfOthers } from "./integrity/standing.ts";
import { goOnStoring } from "./integrity/stores.ts";
import { removeMemory } from "./pages/guest-memory.ts";
import { knownMemory } from "./pages/memory-state.ts";
import { deviceWrote } from "./pages/touches.ts";
import { perform } from "./perform.ts";
import { announce } from "./policy.ts";
import type { NoState } from "./vm-record.ts";
import { isItsTurn, takeEarly } from "./stream-order.ts";
import {
  type BlockTag,
  computeNext,
  endRun,
  isSuperseded,
  leaveRecord,
  recordOf,
  type VmComponent,
  type VmEntity,
  type VmInstanceConfig,
  type VmState,
} from "./vm-state.ts";

export function vmComponent(kinds: GuestKinds, inputs: GuestInputs): VmComponent {
  const deliver = (self: VmEntity, input: GuestInput): void => {
    const { stage, stuns } = self.volatile;
    if (stage === "ended" || isSuperseded(self)) return;
    const state = self.edit();
    if (stuns > 0) return void state.held.push(input as Editable<GuestInput>);
    if (isRepeated(self, input)) return;
    const guest = state.guest as Editable<GuestState>;
    const guard = self.world.entityOrNone(self.config.guard);
    const taken = [kinds, inputs, recordOf(self), guest, guestNs(self), input] as const;
    if (self.config.guard >= 0) {
      if (guard === undefined) return;
      const crossed = { ...crossGuarded(...taken), vm: self.id };
      return self.world.call(guard, "crossed", crossed as unknown as Plain);
    }
    for (const output of cross(...taken)) perform(self, output);
  };
  /** While it stands still its memory does too: what comes is put there when it goes on. */
  const accept = (self: VmEntity, { after: _, ...packet }: PacketInput): void => {
    if (self.volatile.stuns === 0) received(self, packet.bytes);
    deliver(self, packet);
  };
  return component<VmInstanceConfig, NoState, VmState>({
    kind: "vm",
    volatile: ({ spec }) => ({
      stage: "opening",
      startedNs: 0,
      stuns: 0,
      stunnedSinceNs: 0,
      stunnedNs: 0,
      disks: [],
      held: [],
      nextTimer: 1,
      timers: {},
      bursts: Array.from({ length: spec.vcpus }, () => []),
      pageReads: 0,
      pageWrites: 0,
      guest: initialState(kindOf(kinds, spec), spec),
      shutdownBy: null,
      isProtected: false,
      goesOnFrom: null,
    }),
    handlers: {
      boot: (self, _arg: number) =>
        deliver(self, { kind: "start", run: self.config.run, crashed: self.config.crashed }),
      attach: (self, request: Request<{ readonly disks: readonly EntityId[] }>) => {
        attachDisks(self, request.body.disks);
        self.reply(request, {});
      },
      /** It has its disks, and takes the place of a former instance. */
      "go-on": (self, _arg: number) => goOn(self),
      timer: (self, id: number) => {
        const { tag, dueNs } = self.volatile.timers[id]!;
        assert(guestNs(self) >= dueNs, () => `timer ${id} of ${self.name} is early`);
        delete self.edit().timers[id];
        deliver(self, { kind: "timer", tag });
      },
      "disk-resized": (self, resized: { readonly disk: number; readonly sectors: number }) =>
        deliver(self, { kind: "resized", ...resized }),
      "block-replied": (self, reply: Reply) => deliver(self, blockDone(self, reply)),
      "cpu-replied": (self, reply: Reply) => {
        if (self.volatile.stage !== "ended") deliver(self, computed(self, reply.tag as number));
      },
      computed: (self, vcpu: number) => deliver(self, computed(self, vcpu)),
      packet: (self, { body }: Request<PacketInput>) => {
        const { instance } = recordOf(self).durable;
        if (self.volatile.stage === "ended" && instance >= 0) return forward(self, instance, body);
        if (!isItsTurn(self, body)) return;
        accept(self, body);
        for (const packet of takeEarly(self, body.from, false)) accept(self, packet);
      },
      "early-over": (self, from: string) => {
        if (self.volatile.stage === "ended") return;
        for (const packet of takeEarly(self, from, true)) accept(self, packet);
      },
      ...stunVerbs<VmEntity>(stun, (self) => unstun(self, deliver)),
      shutdown: (self, request: Request) => {
        self.edit().shutdownBy = request as Editable<Request>;
        deliver(self, { kind: "shutdown" });
      },
      "power-off": (self, request: Request) => {
        self.reply(request, {});
        endRun(self, "power-off");
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
    direct: ["block-replied"],
    crashed: (self) => {
      if (self.volatile.stage !== "ended") leaveRecord(self, "crash");
      self.world.remove(self as unknown as Entity);
    },
  });
}

/** Gives the virtual machine its disks, in the order of its specification, and starts it. */
export function attachDisks(vm: VmEntity, disks: readonly EntityId[]): void {
  if (vm.volatile.stage !== "opening") return;
  const state = vm.edit();
  state.disks = [...disks];
  state.stage = "running";
  if (vm.volatile.goesOnFrom !== null) return vm.world.call(vm as never, "go-on", 0);
  state.startedNs = vm.simulatedNs;
  if (state.stuns > 0) state.stunnedSinceNs = vm.simulatedNs;
  vm.after(0, "boot");
}

/** A message of a machine that another went on with may come twice: the network's end drops it. */
function isRepeated(self: VmEntity, input: GuestInput): boolean {
  if (input.kind !== "packet" || input.mayRepeat !== true) return false;
  const before = recordOf(self).durable.journal.received[input.from];
  const isKnown = before !== undefined && before.run === input.run;
  return input.delivery === "stream" && isKnown && input.sequence <= before.last;
}

/** A disk has become larger, and is reached through another entity; the guest is told. */
export function diskResized(vm: VmEntity, index: number, disk: EntityId, sectors: number): void {
  vm.edit().disks[index] = disk;
  vm.after(0, "disk-resized", { disk: index, sectors });
}

function stun(self: VmEntity): void {
  const state = self.edit();
  if (state.stuns++ > 0) return;
  state.stunnedSinceNs = self.simulatedNs;
  for (const { handle } of Object.values(state.timers)) self.world.queue.cancel(handle);
  announce(self, "stunned");
}

/** The last of nested stuns lets it go on. Returns how long it was stunned, 0 if it still is. */
function unstun(self: VmEntity, deliver: (self: VmEntity, input: GuestInput) => void): number {
  if (stunsOfOthers(self) === 0) return 0;
  const state = self.edit();
  if (state.stuns === 0 || --state.stuns > 0) return 0;
  const stunnedNs = self.simulatedNs - state.stunnedSinceNs;
  state.stunnedNs += stunnedNs;
  self.measure("stun-ns", stunnedNs);
  announce(self, "unstunned");
  const nowNs = guestNs(self);
  for (const [id, timer] of Object.entries(state.timers)) {
    timer.handle = self.after(timer.dueNs - nowNs, "timer", Number(id));
  }
  const memory = knownMemory(self);
  if (memory !== undefined) goOnStoring(memory);
  const held = state.held as GuestInput[];
  state.held = [];
  // A guest that has not been started yet has nothing to go on with.
  if (held[0]?.kind !== "start" && state.guest.stage !== "off") {
    deliver(self, { kind: "resumed", stunnedNs });
  }
  // One of them may raise an alert at which it stands again.
  for (const input of held) {
    if (input.kind === "packet" && self.volatile.stuns === 0) received(self, input.bytes);
    deliver(self, input);
  }
  return stunnedNs;
}

function blockDone(self: VmEntity, reply: Reply): GuestInput {
  const { id, op, sentNs } = reply.tag as BlockTag;
  if (!reply.ok) return { kind: "block-done", id, ok: false, code: reply.code };
  self.measure(LATENCY_SERIES[op], self.simulatedNs - sentNs);
  if (op !== "read") return { kind: "block-done", id, ok: true };
  const { runs } = reply.value as { runs: readonly ContentRun[] };
  received(self, runs.reduce((sum, { sectors }) => sum + sectors, 0) * SECTOR_BYTES);
  return { kind: "block-done", id, ok: true, runs };
}

/** A device puts what came for the guest into its memory. */
function received(self: VmEntity, bytes: number): void {
  const memory = knownMemory(self);
  if (memory !== undefined && self.volatile.stage === "running") deviceWrote(memory, bytes);
}

/** The first burst of a vCPU is done; the next one goes to the processor. */
function computed(self: VmEntity, vcpu: number): GuestInput {
  const bursts = self.edit().bursts[vcpu]!;
  const { tag } = bursts.shift()!;
  if (bursts.length > 0) computeNext(self, vcpu);
  return { kind: "cpu-done", tag: tag as Plain };
}
