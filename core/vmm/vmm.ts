/**
 * Virtual machines of a world: the two components that they consist of, and power-on. What is large
 * and immutable (captures) and the kinds of guest are given here once, and are no state.
 */
import type { AnyComponent, DomainId, World } from "../kernel/index.ts";
import {
  type AnyGuestKind,
  capturedGuest,
  guestKinds,
  type GuestInputs,
  type GuestKinds,
  REAL_GUEST,
  realGuest,
  workloadGuest,
} from "../guest/index.ts";
import { assert } from "../kernel/index.ts";
import { settledLabel } from "./boundary.ts";
import { forgetStop } from "./integrity/standing.ts";
import { forgetStunsByHand } from "./stun-by-hand.ts";
import { guestMemory } from "./pages/guest-memory.ts";
import { announce } from "./policy.ts";
import { logEnd } from "./rv64/end-entry.ts";
import { giveImage, prepareMemory } from "./run-image.ts";
import { makeLiveMachine, type Machines, type MachineShape } from "./rv64/live-machine.ts";
import { type MachineComponent, machineComponent } from "./rv64/rv64-vm.ts";
import { vmComponent } from "./vm.ts";
import type { VmComponent, VmEntity } from "./vm-state.ts";
import {
  type VmConfig,
  type VmPlace,
  type VmRecord,
  vmRecordComponent,
  type VmRecordComponent,
} from "./vm-record.ts";

export const builtInGuests: readonly AnyGuestKind[] = [workloadGuest, capturedGuest, realGuest];

export interface Vmm {
  /** To be registered with the world. */
  readonly components: readonly AnyComponent[];
  readonly record: VmRecordComponent;
  readonly vm: VmComponent;
  readonly machine: MachineComponent;
  readonly machines: Machines | undefined;
  readonly kinds: GuestKinds;
  readonly inputs: GuestInputs;
}

/** `kinds`: own kinds of guest beside the built-in ones. `machines`: for real guests. */
export function createVmm(
  inputs: GuestInputs,
  kinds: readonly AnyGuestKind[] = [],
  machines?: Machines,
): Vmm {
  const byName = guestKinds([...builtInGuests, ...kinds]);
  const vm = vmComponent(byName, inputs);
  const machine = machineComponent(machines);
  const record = vmRecordComponent(byName, (self, place) => {
    const isReal = self.config.spec.kind === REAL_GUEST;
    begin(isReal ? (machine as unknown as VmComponent) : vm, self, place);
  });
  const components = [record, vm, machine, guestMemory] as unknown as readonly AnyComponent[];
  return { components, record, vm, machine, machines, kinds: byName, inputs };
}

/** Makes a virtual machine known, powered off, under the id in its specification. */
export function spawnVmRecord(
  world: World,
  vmm: Vmm,
  domain: DomainId,
  config: VmConfig,
): VmRecord {
  world.register(...vmm.components);
  world.memories.makeBacking = (shape) =>
    makeLiveMachine(vmm.machines, shape as unknown as MachineShape);
  world.memories.pagesOfFiles = vmm.machines?.pageOfFile;
  const record = world.spawn(vmm.record, config, { domain, name: config.spec.vm });
  config.spec.disks.forEach(({ id, sectors }, disk) => {
    const content = vmm.inputs.content?.(config.spec.vm, id);
    if (content === undefined) return;
    const settled = record.content(settledLabel(disk), sectors);
    settled.restore(content.capture());
    settled.resize(sectors);
  });
  return record;
}

/**
 * Powers on: the new run is there, named `ID/run-N`, and waits for `attachDisks`. Undefined when it
 * runs already or the host is down. For the driver, or a handler in the domain of that host.
 */
export function powerOn(record: VmRecord, place: VmPlace): VmEntity | undefined {
  const { world } = record;
  if (record.durable.power === "on" || !world.isUp(place.domain)) return undefined;
  world.call(record as never, "power-on", place);
  return vmOf(record);
}

/**
 * The outside world gives a run up whose end it has not seen, so that another can begin. What is
 * left of it on its host gets no more input; its disks must be somebody else's already.
 */
export function giveUpRun(record: VmRecord): void {
  const durable = record.editDurable();
  if (durable.power === "off") return;
  logEnd(record);
  durable.power = "off";
  durable.instance = -1;
  durable.ended = "crash";
  forgetStop(record);
  announce({ world: record.world, config: { record: record.id } }, "crash");
}

/** The run of a virtual machine that is on. */
export function vmOf(record: VmRecord): VmEntity | undefined {
  const { instance } = record.durable;
  return instance < 0 ? undefined : (record.world.entity(instance) as unknown as VmEntity);
}

/** As expectations name it. `stunned` is seen by omniscient readers and the VM's own host only. */
export function powerStateOf(record: VmRecord): "running" | "stunned" | "off" {
  const vm = vmOf(record);
  if (vm === undefined) return "off";
  return vm.volatile.stuns > 0 ? "stunned" : "running";
}

function begin(component: VmComponent, record: VmRecord, place: VmPlace): void {
  const { world, config } = record;
  const { spec, shares } = config;
  const durable = record.editDurable();
  assert(durable.power === "off", () => `${record.name} is on already`);
  forgetStunsByHand(record);
  const crashed = durable.ended === "crash" || durable.ended === "power-off";
  const { image, guard = -1 } = place;
  const run = image === undefined ? durable.run + 1 : image.run;
  const name = `${record.name}/run-${run}`;
  const vm = world.spawn(
    component,
    { spec, record: record.id, run, crashed, cpu: place.cpu, shares, guard },
    {
      domain: place.domain,
      name: image === undefined ? name : `${name}-from-${durable.steps}`,
      creator: record as never,
    },
  );
  if (image !== undefined) {
    giveImage(vm, image);
    prepareMemory(vm);
  }
  durable.power = "on";
  durable.run = Math.max(durable.run, run);
  durable.instance = vm.id;
  durable.host = world.registry.domain(place.domain).name;
  if (image === undefined && guard >= 0) world.call(world.entity(guard), "run-begun", vm.id);
  announce(vm, "power-on");
}
