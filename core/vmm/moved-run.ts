/**
 * A run on its way from one host to another: the instance that is made ready for it there, and what is
 * left of it here once it is another's. It travels as an image (run-image.ts), disks and memory apart.
 *
 * Must hold: what comes for it meanwhile, at its old host, is not lost.
 */
import { type EntityId, type PlainObject } from "../kernel/index.ts";
import { REAL_GUEST } from "../guest/index.ts";
import { type HostEntity, releaseMemory } from "../platform/index.ts";
import { memoryOf, removeMemory } from "./pages/guest-memory.ts";
import { knownMemory } from "./pages/memory-state.ts";
import { leaveOwners } from "./pages/travelling.ts";
import { MACHINE_KIND } from "./rv64/end-entry.ts";
import { prepareMemory } from "./run-image.ts";
import type { VmPlace, VmRecord } from "./vm-record.ts";
import { recordOf, type VmComponent, type VmEntity } from "./vm-state.ts";
import type { Vmm } from "./vmm.ts";

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
  prepareMemory(vm);
  return vm;
}

/** A run may come by the same host again while what was left of it there is not gone yet. */
function nameOn({ world, name }: VmRecord, run: number, domain: number): string {
  const first = `${name}/run-${run}-on-${world.registry.domain(domain).name}`;
  let free = first;
  for (let again = 2; world.registry.idOf(free) !== undefined; again++) free = `${first}-${again}`;
  return free;
}

/** How long what is left of a run passes on what still comes for it. */
const FORWARDING_NS = 1_000_000_000;

/**
 * The run is another instance's by now; its memory is kept. `known`: held inputs that went along with
 * the image. What comes for it still is passed on.
 */
export function leaveRun(vm: VmEntity, known: number): void {
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
  const memory = knownMemory(vm);
  if (memory !== undefined) leaveOwners(memory);
}

/** Nothing of the run is needed here any more. */
export function departRun(vm: VmEntity): void {
  const { world } = vm;
  removeMemory(vm);
  world.memories.removeOwned(vm.name);
  const id = world.registry.idOf(world.registry.domain(vm.domain).name);
  const host = id === undefined ? undefined : world.entity(id);
  // What is reserved under its name may be another run's by now.
  const { instance } = recordOf(vm).durable;
  const isAgain = instance !== vm.id && world.entityOrNone(instance)?.domain === vm.domain;
  if (host?.kind === "host" && !isAgain) {
    releaseMemory(host as unknown as HostEntity, vm.config.spec.vm);
  }
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
