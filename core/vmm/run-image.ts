/**
 * A run as it stands while it is stunned: everything of it but the content of its memory and disks, as
 * plain data that outlives it. A checkpoint keeps one; a machine that is moved travels as one. What
 * goes on from an image is the same run, stunned, until its stun is taken back.
 *
 * Must hold: nothing is on its way to the run's disks when the image is taken (answers that came during
 * the stun are held, and are part of it); going on from it equals never having stopped.
 */
import {
  assert,
  clonePlain,
  type Editable,
  equalPlain,
  type PlainObject,
} from "../kernel/index.ts";
import { logMark } from "./boundary.ts";
import { guestNs } from "./guest-time.ts";
import { followDriver } from "./integrity/follow.ts";
import { RESUMED, standAsBefore } from "./integrity/standing.ts";
import { bringBackSettled, type Outside, outsideOf } from "./outside.ts";
import { memoryOf } from "./pages/guest-memory.ts";
import { type KeptMemory, keepMemory, takeUpMemory } from "./pages/kept-memory.ts";
import { announce } from "./policy.ts";
import { machineShape } from "./rv64/live-machine.ts";
import { logInput } from "./rv64/inputs.ts";
import { machineConfig, type MachineEntity, type MachineState, RAM } from "./rv64/machine-state.ts";
import { MACHINE_KIND } from "./rv64/end-entry.ts";
import { noteMoved } from "./stream-order.ts";
import { stunsByHand } from "./stun-by-hand.ts";
import { computeNext, recordOf, type VmEntity, type VmState } from "./vm-state.ts";

export type RunImage = {
  readonly image: "modelled" | "real";
  /** What it is called in the boundary log; null: it is moved, and what is outside goes on with it. */
  readonly id: string | null;
  readonly run: number;
  /** State of the run. Timers have no handles: those of a stunned run do not run. */
  readonly state: PlainObject;
  readonly memory: KeptMemory;
  /** Of a modelled guest: what the world outside knew of it then. */
  readonly outside: Outside | null;
};

const isMachine = (vm: VmEntity): boolean => vm.kind === MACHINE_KIND;

/**
 * Of a stunned run whose disks are drained. `id`: for a checkpoint; null: it is moved. `refers`: clients
 * whose absent pages are brought from where they are.
 */
export function imageOf(vm: VmEntity, id: string | null, refers: readonly string[] = []): RunImage {
  assert(vm.volatile.stuns > 0 && vm.volatile.stage === "running", "a run that stands still");
  const image = isMachine(vm) ? "real" : "modelled";
  const isKept = id !== null && image === "modelled";
  if (isKept) logMark(recordOf(vm), guestNs(vm), { kind: "image-taken", image: id });
  else if (id !== null) markTaken(vm as unknown as MachineEntity, id);
  const { run } = vm.config;
  const { stoppedBy: _, ...volatile } = vm.volatile;
  const state = { ...volatile, disks: [], shutdownBy: null } as unknown as PlainObject;
  const memory = keepMemory(memoryOf(vm), refers);
  return clonePlain({
    image,
    id,
    run,
    state,
    memory,
    outside: isKept ? outsideOf(recordOf(vm)) : null,
  });
}

/** Room for the memory of a machine that goes on from an image; of a modelled one nothing. */
export function prepareMemory(vm: VmEntity): void {
  if (!isMachine(vm)) return;
  const shape = machineShape(machineConfig(vm as unknown as MachineEntity).board);
  vm.world.memories.create(`${vm.name}#${RAM}`, shape);
}

/** In the event in which the run gets its disks. It stays stunned until somebody lets it go on. */
export function goOnFromImage(vm: VmEntity, image: RunImage): void {
  if (image.id === null && !takesOver(vm, image)) return;
  const { outside, id } = image;
  if (outside !== null) bringBack(vm, image, outside);
  const laterNs = id === null ? 0 : vm.simulatedNs - standingSince(image);
  const state = vm.edit();
  const { disks } = vm.volatile;
  Object.assign(state, laterBy(image, laterNs), { stuns: 1 + stunsByHand(vm), disks });
  standAsBefore(vm, id !== null);
  if (id === null) noteMoved(vm);
  takeUpMemory(memoryOf(vm, true), image.memory);
  followDriver(vm, image.memory.behind?.tables);
  announce(vm, id === null ? "migrated" : RESUMED);
  if (isMachine(vm)) return goOnAtExit(vm as unknown as MachineEntity, id);
  state.bursts.forEach((bursts, vcpu) => {
    if (bursts.length > 0) computeNext(vm, vcpu);
  });
}

const standingSince = ({ state }: RunImage): number => (state as unknown as VmState).stunnedSinceNs;

/** From now on it is the run for the outside world, unless that went on with another. */
function takesOver(vm: VmEntity, image: RunImage): boolean {
  const durable = recordOf(vm).editDurable();
  const state = vm.edit();
  state.goesOnFrom = null;
  // Switched off while it was nowhere: a host that was lost is no such end, the run goes on here.
  const isOff = durable.instance < 0 && durable.ended !== "crash";
  if (durable.run !== image.run || isOff) {
    state.stage = "ended";
    return false;
  }
  durable.instance = vm.id;
  durable.host = vm.world.registry.domain(vm.domain).name;
  durable.power = "on";
  return true;
}

type Moments = Editable<Pick<VmState & MachineState, MomentName>>;
type MomentName = "startedNs" | "stunnedSinceNs" | "timers" | "toNs" | "clock" | "exit";

/** Moments of its state, as they are when it stood still until now. */
function laterBy({ image, state: kept }: RunImage, ns: number): PlainObject {
  const state = clonePlain(kept) as unknown as Moments;
  state.startedNs += ns;
  state.stunnedSinceNs += ns;
  for (const timer of Object.values(state.timers)) timer.handle = 0 as never;
  if (image === "modelled") return state as unknown as PlainObject;
  state.toNs += ns;
  state.clock.sinceNs += ns;
  if (state.exit !== null) state.exit.atNs += ns;
  return state as unknown as PlainObject;
}

/** The outside world knows what it knew then. */
function bringBack(vm: VmEntity, image: RunImage, outside: Outside): void {
  const { journal } = outside;
  const record = recordOf(vm);
  const { startedNs, stunnedNs, stunnedSinceNs } = image.state as unknown as VmState;
  const nowNs = stunnedSinceNs - startedNs - stunnedNs;
  logMark(record, nowNs, { kind: "image-restored", image: image.id! });
  const durable = record.editDurable();
  if (!equalPlain(durable.journal.sent, journal.sent)) durable.rewinds = (durable.rewinds ?? 0) + 1;
  durable.journal = clonePlain(journal as never) as never;
  bringBackSettled(record, vm.config.spec, outside);
}

/** In its boundary log, as the next one, so that it can be built again alone. */
const markTaken = (vm: MachineEntity, image: string): boolean =>
  logInput(vm, { kind: "image-taken", image, isExit: isAtExit(vm) });

function markRestored(vm: MachineEntity, image: string): void {
  const { boots } = vm.volatile;
  const { run } = vm.config;
  logInput(vm, { kind: "image-restored", image, isExit: isAtExit(vm), run, boots });
}

const isAtExit = ({ volatile: { exit } }: MachineEntity): boolean =>
  (exit?.outputs.length ?? 0) > 0;

/** What it had put out was not carried out yet: that is next. */
function goOnAtExit(vm: MachineEntity, id: string | null): void {
  const { exit } = vm.volatile;
  if (id !== null) markRestored(vm, id);
  if (exit === null) return;
  const atNs = Math.max(vm.simulatedNs, exit.atNs);
  vm.edit().exit = { ...exit, atNs, isScheduled: true } as never;
  vm.after(atNs - vm.simulatedNs, "exit");
}

/** The instance on its new host gets its image: it goes on from it once it has its disks. */
export function giveImage(vm: VmEntity, image: RunImage): void {
  vm.edit().goesOnFrom = image as never;
}
