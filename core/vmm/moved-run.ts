/**
 * A run on its way from one host to another: everything that the machine is, disks and memory apart,
 * from the moment at which it was stopped. It is the same run for the guest and for the outside world.
 *
 * Must hold: on its new host it goes on with exactly what the old one stopped with: what it waited
 * for, what came for it meanwhile, and what its guest was about to do to its memory.
 */
import { clonePlain, type Editable, type EntityId, type PlainObject } from "../kernel/index.ts";
import { REAL_GUEST } from "../guest/index.ts";
import { type HostEntity, releaseMemory } from "../platform/index.ts";
import { memoryOf, removeMemory } from "./pages/guest-memory.ts";
import { bitmapRanges } from "./pages/ranges.ts";
import { clientBitmap, type MemoryState, type TraceClient } from "./pages/memory-state.ts";
import { ramOf, settleMemory } from "./pages/content.ts";
import { announce } from "./policy.ts";
import { type LiveMachine, machineShape } from "./rv64/live-machine.ts";
import { machineConfig, type MachineEntity, RAM } from "./rv64/machine-state.ts";
import { MACHINE_KIND } from "./rv64/end-entry.ts";
import type { VmPlace, VmRecord } from "./vm-record.ts";
import {
  computeNext,
  recordOf,
  type VmComponent,
  type VmEntity,
  type VmState,
} from "./vm-state.ts";
import type { Vmm } from "./vmm.ts";

type Range = { readonly page: number; readonly pages: number };

/** A client whose traces go along: what it traces, and what it has seen. */
type MovedClient = TraceClient & {
  readonly armed: readonly Range[];
  readonly dirty: readonly Range[];
};

export type MovedRun = {
  readonly run: number;
  readonly state: PlainObject;
  readonly memory: Pick<MemoryState, "owedNs" | "batch" | "cursor" | "turn" | "deviceCursor">;
  readonly clients: readonly MovedClient[];
  /** Of a real machine: the pages of its harts, behind those of RAM. */
  readonly harts: readonly Uint8Array[];
};

/** Of a run that is stunned, waits for no disk, and stands at no exit. `leaving`: a client that stays. */
export function imageOfRun(vm: VmEntity, leaving: string): MovedRun {
  const memory = memoryOf(vm);
  settleMemory(memory);
  const { owedNs, batch, cursor, turn, deviceCursor, clients } = memory.volatile;
  const moved = clients
    .filter(({ name }) => name !== leaving)
    .map((client) => ({
      ...client,
      pending: null,
      owner: -1,
      armed: [
        ...bitmapRanges(clientBitmap(memory, client.name, "armed")),
        ...bitmapRanges(clientBitmap(memory, client.name, "pending")),
      ],
      dirty: bitmapRanges(clientBitmap(memory, client.name, "dirty")),
    }));
  const ram = memory.config.isReal ? ramOf(memory) : undefined;
  const harts: Uint8Array[] = [];
  for (let page = memory.config.pages; page < (ram?.pages ?? 0); page++) {
    harts.push(ram!.backing.read(page).slice());
  }
  return clonePlain({
    run: vm.config.run,
    state: vm.volatile as unknown as PlainObject,
    memory: { owedNs, batch, cursor, turn, deviceCursor },
    clients: moved,
    harts,
  });
}

/** The instance on its new host: it has memory to be filled, and waits for its image and its disks. */
export function spawnArrivingRun(
  vmm: Vmm,
  record: VmRecord,
  run: number,
  place: VmPlace,
): VmEntity {
  const { world, config } = record;
  const { spec, shares } = config;
  const isReal = spec.kind === REAL_GUEST;
  const component = isReal ? (vmm.machine as unknown as VmComponent) : vmm.vm;
  const vm = world.spawn(
    component,
    { spec, record: record.id, run, crashed: false, cpu: place.cpu, shares, guard: -1 },
    { domain: place.domain, name: nameOn(record, run, place.domain), creator: record as never },
  );
  memoryOf(vm, true);
  if (isReal) {
    const shape = machineShape(machineConfig(vm as unknown as MachineEntity).board);
    world.memories.create(`${vm.name}#${RAM}`, shape);
  }
  return vm;
}

/** A run may come by the same host again while what was left of it there is not gone yet. */
function nameOn({ world, name }: VmRecord, run: number, domain: number): string {
  const first = `${name}/run-${run}-on-${world.registry.domain(domain).name}`;
  let free = first;
  for (let again = 2; world.registry.idOf(free) !== undefined; again++) free = `${first}-${again}`;
  return free;
}

/** In the event in which it gets its disks: from now on it is the run, stunned as it was. */
export function arrive(vm: VmEntity, image: MovedRun, disks: readonly EntityId[]): void {
  const record = recordOf(vm);
  const durable = record.editDurable();
  const state = vm.edit() as Editable<VmState> & { arriving?: unknown };
  delete state.arriving;
  if (durable.run !== image.run) return void (state.stage = "ended");
  const held = clonePlain(image.state) as unknown as Editable<VmState>;
  for (const timer of Object.values(held.timers)) timer.handle = 0 as never;
  Object.assign(state, held, { disks: [...disks], shutdownBy: null });
  durable.instance = vm.id;
  durable.host = vm.world.registry.domain(vm.domain).name;
  durable.power = "on";
  fillMemory(vm, image);
  announce(vm, "migrated");
  if (vm.kind === MACHINE_KIND) return;
  state.bursts.forEach((bursts, vcpu) => {
    if (bursts.length > 0) computeNext(vm, vcpu);
  });
}

function fillMemory(vm: VmEntity, { memory: kept, clients, harts }: MovedRun): void {
  const memory = memoryOf(vm);
  const state = memory.edit();
  Object.assign(state, clonePlain(kept));
  for (const { armed, dirty, ...client } of clients) {
    (state.clients as TraceClient[]).push(client);
    const traced = clientBitmap(memory, client.name, "armed");
    for (const { page, pages } of armed) traced.addRange(page, pages);
    const seen = clientBitmap(memory, client.name, "dirty");
    for (const { page, pages } of dirty) seen.addRange(page, pages);
  }
  if (harts.length === 0) return;
  const backing = ramOf(memory)!.backing as LiveMachine;
  harts.forEach((bytes, at) => backing.write(memory.config.pages + at, bytes));
}

/** How long what is left of a run passes on what still comes for it. */
const FORWARDING_NS = 1_000_000_000;

/** The run is another instance's by now. `known`: held inputs that went along with the image. */
export function departRun(vm: VmEntity, known: number): void {
  const { world } = vm;
  const { instance } = recordOf(vm).durable;
  const state = vm.edit();
  if (vm.kind !== MACHINE_KIND && instance >= 0 && instance !== vm.id) {
    for (const input of vm.volatile.held.slice(known)) {
      if (input.kind === "packet") forward(vm, instance, input);
    }
  }
  for (const { handle } of Object.values(state.timers)) world.queue.cancel(handle);
  state.timers = {};
  state.held = [];
  state.stage = "ended";
  removeMemory(vm);
  world.memories.removeOwned(vm.name);
  const id = world.registry.idOf(world.registry.domain(vm.domain).name);
  const host = id === undefined ? undefined : world.entity(id);
  if (host?.kind === "host") releaseMemory(host as unknown as HostEntity, vm.config.spec.vm);
  vm.after(FORWARDING_NS, "gone");
}

/** To where the run is now; it may be overtaken by what was sent there at once, and is then dropped. */
export function forward(vm: VmEntity, to: EntityId, packet: PlainObject): void {
  const { bytes, delivery } = packet as { bytes: number; delivery: "datagram" | "stream" };
  vm.send(to, "packet", { ...packet, mayRepeat: true }, { bytes, delivery });
}

/** What was made ready for a run that does not come. */
export function dropArrivingRun(vm: VmEntity): void {
  removeMemory(vm);
  vm.world.removeTree(vm as never);
}
