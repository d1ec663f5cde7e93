/**
 * A run that goes on elsewhere from a copy: the same run for the guest and for the outside world, in
 * another entity on another host.
 *
 * Must hold: it takes the place of the former instance in one event, in which it also has its disks;
 * what the former one did beyond the copy never happened, as far as anybody outside can tell.
 */
import type { Editable, Entity } from "../kernel/index.ts";
import type { GuestState } from "../guest/index.ts";
import { settledLabel } from "./boundary.ts";
import { followDriver } from "./integrity/follow.ts";
import { stunAgain } from "./stun-by-hand.ts";
import { standAgain } from "./integrity/standing.ts";
import { type BlockOutput, sendBlock } from "./perform.ts";
import { announce } from "./policy.ts";
import type { RunCopy } from "./run-copy.ts";
import type { MachineCopy } from "./rv64/machine-state.ts";
import type { MachineComponent } from "./rv64/rv64-vm.ts";
import { goOnFromImage } from "./run-image.ts";
import type { VmPlace, VmRecord } from "./vm-record.ts";
import {
  computeNext,
  recordOf,
  type VmComponent,
  type VmEntity,
  type VmState,
} from "./vm-state.ts";

/** The instance is there, and goes on when it gets its disks. `follower` has the settled content. */
export function spawnContinuedRun(
  component: VmComponent | MachineComponent,
  record: VmRecord,
  place: Required<Omit<VmPlace, "image">>,
  follower: Entity,
  copy: RunCopy | MachineCopy,
): VmEntity {
  const { world, config } = record;
  const { spec, shares } = config;
  const { run } = copy;
  const { domain, cpu, guard } = place;
  const host = world.registry.domain(domain).name;
  const vm = world.spawn(
    component as VmComponent,
    { spec, record: record.id, run, crashed: false, cpu, shares, guard },
    { domain, name: `${record.name}/run-${run}-on-${host}`, creator: follower },
  );
  vm.edit().goesOnFrom = structuredClone(copy) as never;
  return vm;
}

/** In the event in which it gets its disks. */
export function goOn(vm: VmEntity): void {
  const copy = vm.volatile.goesOnFrom!;
  if ("image" in copy) return goOnFromImage(vm, copy);
  const record = recordOf(vm);
  const { world } = vm;
  const durable = record.editDurable();
  const state = vm.edit();
  state.goesOnFrom = null;
  if (durable.power === "off" || durable.run !== copy.run) return;
  durable.instance = vm.id;
  durable.host = world.registry.domain(vm.domain).name;
  durable.steps = copy.steps;
  durable.outputs = copy.outputs;
  durable.journal = copy.journal as typeof durable.journal;
  const follower = world.entity(vm.parent);
  vm.config.spec.disks.forEach(({ sectors }, disk) => {
    const settled = follower.content(settledLabel(disk), sectors);
    record.content(settledLabel(disk), sectors).restore(settled.capture());
  });
  state.startedNs = vm.simulatedNs - copy.nowNs;
  state.guest = copy.guest as Editable<GuestState>;
  state.nextTimer = copy.nextTimer;
  state.pageReads = copy.pageReads;
  state.pageWrites = copy.pageWrites;
  announce(vm, "taken-over");
  followDriver(vm, copy.behind);
  waitAgain(vm, state, copy);
  standAgain(vm);
  stunAgain(vm);
}

/** For what the run waited for when it was cut off. */
function waitAgain(vm: VmEntity, state: Editable<VmState>, copy: RunCopy): void {
  for (const [id, { dueNs, tag }] of Object.entries(copy.timers)) {
    const handle = vm.after(dueNs - copy.nowNs, "timer", Number(id));
    state.timers[id] = { dueNs, tag: tag as never, handle };
  }
  copy.bursts.forEach((bursts, vcpu) => {
    state.bursts[vcpu] = bursts as Editable<typeof bursts>;
    if (bursts.length > 0) computeNext(vm, vcpu);
  });
  for (const block of Object.values(copy.open)) sendBlock(vm, block as BlockOutput);
}
