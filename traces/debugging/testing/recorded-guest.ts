/** Boundary logs of real guests for tests of the debugger, taken from a small world. */
import {
  BOUNDARY_NOTICE,
  type MachineConfig,
  type MachineEntity,
  type MachineEntry,
  vmOf,
} from "../../../core/vmm/index.ts";
import {
  type MachineOptions,
  machinesOf,
  type MachineWorld,
  machineWorld,
  specOf,
} from "../../../core/vmm/rv64/testing/index.ts";
import { Checkpoints, type CheckpointLimits } from "../checkpoints.ts";
import { EntryLog } from "../entry-log.ts";
import { Journey } from "../journey.ts";
import { RecordedBoard } from "../recorded-board.ts";
import { RecordedMachine } from "../recorded-machine.ts";

export interface RecordedGuest {
  readonly config: MachineConfig;
  readonly entries: readonly MachineEntry[];
  /** Progress at the end; infinite when it had ended before. */
  readonly endProgress: number;
}

/** What guests received until `untilNs`; host 0 loses power at `crashNs`, its guests begin anew. */
export function recordGuests(
  machines: readonly MachineOptions[],
  { crashNs, untilNs }: { readonly crashNs: number; readonly untilNs: number },
): readonly RecordedGuest[] {
  const entries = new Map<string, MachineEntry[]>(machines.map(({ id }) => [id, []]));
  const built = machineWorld({ machines, lossPerMillion: 100_000 });
  const { onNotice } = built.world.hooks;
  built.world.hooks.onNotice = (notice) => {
    onNotice?.(notice);
    if (notice.kind !== BOUNDARY_NOTICE) return;
    const entry = notice.data as unknown as MachineEntry;
    entries.get(entry.vm)!.push(structuredClone(entry));
  };
  machines.forEach((_, at) => built.start(at));
  built.world.run({ untilNs: crashNs });
  built.world.crash(built.hosts[0]!, "power");
  built.world.restart(built.hosts[0]!);
  machines.forEach(({ host }, at) => host === 0 && built.start(at));
  built.world.run({ untilNs });
  return machines.map((machine, at) => ({
    config: specOf(machine).config as unknown as MachineConfig,
    entries: entries.get(machine.id)!,
    endProgress: progressOf(built, at),
  }));
}

function progressOf(built: MachineWorld, at: number): number {
  const vm = vmOf(built.records[at]!) as unknown as MachineEntity | undefined;
  return vm?.volatile?.board?.progress ?? Infinity;
}

/** In chunks of a few entries, as a trace has them. */
export function logOf(entries: readonly MachineEntry[], perChunk = 7): EntryLog {
  const made = EntryLog.over({
    chunks: Math.ceil(entries.length / perChunk),
    read: (chunk) => entries.slice(chunk * perChunk, (chunk + 1) * perChunk),
  });
  if (!made.ok) throw new Error(made.message);
  return made.log;
}

export interface TestMachine {
  readonly machine: RecordedMachine;
  readonly journey: Journey;
  readonly board: RecordedBoard;
}

const CLOCK = {
  at: (_run: number, progress: number) => ({ timeNs: progress * 10, event: 0 }),
  endProgress: () => 0,
  now: () => undefined,
};

export function debugged(
  guest: RecordedGuest,
  programs: readonly string[],
  limits?: CheckpointLimits,
): TestMachine {
  const log = logOf(guest.entries);
  const board = new RecordedBoard(guest.config, machinesOf(programs), log);
  const last = log.runs.at(-1)!;
  const end = Math.min(last.end, last.zero + guest.endProgress);
  const journey = new Journey(board, new Checkpoints(board, limits), end);
  return { machine: new RecordedMachine(journey, CLOCK), journey, board };
}
