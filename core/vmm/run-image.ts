/**
 * A run as it stands while it is stunned: everything of it but the content of its memory and disks, as
 * plain data that outlives it. What goes on from an image is the same run, stunned, until its stun is
 * taken back.
 *
 * Must hold: nothing is on its way to the run's disks when the image is taken (answers that came during
 * the stun are held, and are part of it); going on from it equals never having stopped.
 */
import {
  assert,
  type ContentRun,
  type Editable,
  type PlainObject,
  type SectorContent,
} from "../kernel/index.ts";
import type { GuestInput, GuestState } from "../guest/index.ts";
import { logMark, settledLabel } from "./boundary.ts";
import { guestNs } from "./guest-time.ts";
import { knownMemory, type MemoryState } from "./pages/memory-state.ts";
import { announce } from "./policy.ts";
import type { RunCopy } from "./run-copy.ts";
import { machineShape } from "./rv64/live-machine.ts";
import { machineConfig, type MachineEntity, type MachineState, RAM } from "./rv64/machine-state.ts";
import { MACHINE_KIND } from "./rv64/end-entry.ts";
import { computeNext, recordOf, type VmEntity, type VmState } from "./vm-state.ts";

/** What a modelled guest was doing to its memory. */
type Touching = Pick<MemoryState, "batch" | "cursor" | "turn" | "deviceCursor" | "owedNs">;

/** Acknowledged content of a disk, as its guest remembers it. */
type Settled = readonly { readonly sector: number; readonly runs: readonly ContentRun[] }[];

type ModelledImage = {
  readonly image: "modelled";
  /** What it is called in the boundary log. */
  readonly id: string;
  readonly run: number;
  readonly copy: RunCopy;
  readonly held: readonly GuestInput[];
  readonly settled: readonly Settled[];
  readonly touching: Touching | null;
};

type MachineImage = Pick<
  MachineState,
  "boots" | "board" | "idleUntil" | "exit" | "console" | "typing" | "held"
> & {
  readonly image: "real";
  readonly id: string;
  readonly run: number;
  readonly nowNs: number;
  /** Pages of the harts' blocks, one after the other. */
  readonly harts: Uint8Array;
};

export type RunImage = ModelledImage | MachineImage;

const isMachine = (vm: VmEntity): boolean => vm.kind === MACHINE_KIND;
const asMachine = (vm: VmEntity): MachineEntity => vm as unknown as MachineEntity;

/** Of a stunned run whose disks are drained. */
export function imageOf(vm: VmEntity, id: string): RunImage {
  assert(vm.volatile.stuns > 0 && vm.volatile.stage === "running", "a run that stands still");
  if (isMachine(vm)) return imageOfMachine(asMachine(vm), id);
  logMark(recordOf(vm), guestNs(vm), { kind: "image-taken", image: id });
  return imageOfModelled(vm, id);
}

function imageOfModelled(vm: VmEntity, id: string): ModelledImage {
  const { guest, nextTimer, timers, bursts, pageReads, pageWrites, held } = vm.volatile;
  const record = recordOf(vm);
  const { journal, steps, outputs } = record.durable;
  const { run, spec } = vm.config;
  const copy: RunCopy = {
    run,
    guest,
    journal,
    steps,
    outputs,
    nowNs: guestNs(vm),
    nextTimer,
    timers: Object.fromEntries(
      Object.entries(timers).map(([id, { dueNs, tag }]) => [id, { dueNs, tag }]),
    ),
    bursts,
    open: {},
    pageReads,
    pageWrites,
  };
  const settled = spec.disks.map(({ sectors }, disk) =>
    contentOf(record.content(settledLabel(disk), sectors)),
  );
  const memory = knownMemory(vm)?.volatile;
  const touching = memory === undefined ? null : touchingOf(memory);
  return structuredClone({ image: "modelled", id, run, copy, held, settled, touching } as const);
}

const touchingOf = ({ batch, cursor, turn, deviceCursor, owedNs }: MemoryState): Touching => ({
  batch,
  cursor,
  turn,
  deviceCursor,
  owedNs,
});

const contentOf = (content: SectorContent): Settled =>
  content.allocatedRuns().map(({ sector, sectors }) => ({
    sector,
    runs: content.read(sector, sectors),
  }));

function imageOfMachine(vm: MachineEntity, id: string): MachineImage {
  const { boots, board, idleUntil, exit, console, typing, held, toNs, startedNs } = vm.volatile;
  const { ramPages, pages } = machineShape(machineConfig(vm).board);
  const memory = vm.world.memories.get(`${vm.name}#${RAM}`)!;
  const parts = Array.from({ length: pages - ramPages }, (_, i) => [
    ...memory.backing.read(ramPages + i),
  ]);
  const { run } = vm.config;
  const plain = { boots, board, idleUntil, exit, console, typing, held };
  const harts = Uint8Array.from(parts.flat());
  return { ...structuredClone(plain), image: "real", id, run, nowNs: toNs - startedNs, harts };
}

/** Room for the memory of a machine that goes on from an image; of a modelled one nothing. */
export function prepareMemory(vm: VmEntity): void {
  if (!isMachine(vm)) return;
  const shape = machineShape(machineConfig(asMachine(vm)).board);
  vm.world.memories.create(`${vm.name}#${RAM}`, shape);
}

/** In the event in which the run gets its disks. It stays stunned until somebody lets it go on. */
export function goOnFromImage(vm: VmEntity, image: RunImage): void {
  const state = vm.edit();
  state.goesOnFrom = null;
  state.stuns = 1;
  state.stunnedSinceNs = vm.simulatedNs;
  if (image.image === "real") goOnMachine(asMachine(vm), image);
  else goOnModelled(vm, image);
  announce(vm, "resumed");
}

function goOnModelled(vm: VmEntity, { id, copy, held, settled, touching }: ModelledImage): void {
  const record = recordOf(vm);
  logMark(record, copy.nowNs, { kind: "image-restored", image: id });
  const state = vm.edit();
  record.editDurable().journal = copy.journal as never;
  settled.forEach((parts, disk) => {
    const content = record.content(settledLabel(disk), vm.config.spec.disks[disk]!.sectors);
    content.discard(0, content.sectors);
    for (const { sector, runs } of parts) content.write(sector, runs);
  });
  state.startedNs = vm.simulatedNs - copy.nowNs;
  state.guest = copy.guest as Editable<GuestState>;
  state.nextTimer = copy.nextTimer;
  state.pageReads = copy.pageReads;
  state.pageWrites = copy.pageWrites;
  state.held = held as Editable<GuestInput>[];
  setTimers(vm, state, copy);
  copy.bursts.forEach((bursts, vcpu) => {
    state.bursts[vcpu] = bursts as Editable<typeof bursts>;
    if (bursts.length > 0) computeNext(vm, vcpu);
  });
  const memory = knownMemory(vm);
  if (memory !== undefined && touching !== null) {
    Object.assign(memory.edit(), structuredClone(touching));
  }
}

/** Timers of a stunned run do not run; they are set again when it goes on. */
function setTimers(vm: VmEntity, state: Editable<VmState>, copy: RunCopy): void {
  for (const [id, { dueNs, tag }] of Object.entries(copy.timers)) {
    const handle = vm.after(Math.max(0, dueNs - copy.nowNs), "timer", Number(id));
    vm.world.queue.cancel(handle);
    state.timers[id] = { dueNs, tag: tag as never, handle };
  }
}

function goOnMachine(vm: MachineEntity, image: MachineImage): void {
  const { harts, nowNs, image: _image, id: _id, run: _run, ...kept } = image;
  const { ramPages, pages } = machineShape(machineConfig(vm).board);
  const { backing } = vm.world.memories.get(`${vm.name}#${RAM}`)!;
  const bytes = harts.length / (pages - ramPages);
  for (let i = 0; i < pages - ramPages; i++) {
    backing.write(ramPages + i, harts.subarray(i * bytes, (i + 1) * bytes));
  }
  const state = vm.edit();
  Object.assign(state, structuredClone(kept) as PlainObject);
  state.startedNs = vm.simulatedNs - nowNs;
  state.toNs = vm.simulatedNs;
  state.clock = { sinceNs: vm.simulatedNs, from: image.board?.progress ?? 0 };
  if (state.exit === null) return;
  // What it had put out was not carried out yet: that is next.
  state.exit = { ...state.exit, atNs: vm.simulatedNs, isScheduled: true };
  vm.after(0, "exit");
}
