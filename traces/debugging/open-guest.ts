/** A recorded real guest, opened at its first instruction: for a debugger, or to be asked about its past. */
import type { MachineConfig, MachineEntry, Machines } from "../../core/vmm/index.ts";
import { chunkKinds } from "../format/index.ts";
import { boundaryRows } from "../recording/boundary-log.ts";
import type { RecordedRun } from "../replaying/recorded-run.ts";
import { Timeline } from "../replaying/timeline.ts";
import type { WorldBuilder } from "../world-builder.ts";
import { CHECKPOINT_LIMITS, Checkpoints } from "./checkpoints.ts";
import { EntryLog, type EntrySource } from "./entry-log.ts";
import { Journey } from "./journey.ts";
import { Diverged, RecordedBoard } from "./recorded-board.ts";
import { RecordedMachine } from "./recorded-machine.ts";
import { SavedMachines } from "./saved-machines.ts";
import { RecordedClock } from "./world-clock.ts";

export interface GuestToOpen {
  readonly run: RecordedRun;
  readonly builder: WorldBuilder;
  readonly vm: string;
  readonly config: MachineConfig;
  readonly machines: Machines;
  /** The world of the run, where there is one: it is moved about. */
  readonly timeline?: Timeline;
}

export type GuestOpened =
  | { readonly ok: true; readonly target: RecordedMachine }
  | { readonly ok: false; readonly code: "no-log" | "diverged"; readonly message: string };

export function openGuest(guest: GuestToOpen): GuestOpened {
  const { run, builder, vm, config, machines } = guest;
  const made = EntryLog.over(entriesOf(run, vm));
  if (!made.ok) return { ok: false, code: "no-log", message: made.message };
  const { log } = made;
  const { instructionsPerSecond } = config.board;
  let world = guest.timeline;
  const timeline = (): Timeline => (world ??= new Timeline(run, builder));
  const clock = new RecordedClock({ run, timeline, vm, instructionsPerSecond, runs: log.runs });
  try {
    const machine = new RecordedBoard(config, machines, log);
    const { zero, end } = log.runs.at(-1)!;
    // A salvaged trace may end with inputs of an epoch whose end it does not have.
    const last = Number.isFinite(end) ? end : Math.max(zero + clock.endProgress(), log.lastPlace);
    const saved = new SavedMachines({ timeline, vm, config: config.board, log });
    const checkpoints = new Checkpoints(machine, CHECKPOINT_LIMITS, saved);
    const journey = new Journey(machine, checkpoints, last);
    return { ok: true, target: new RecordedMachine(journey, clock) };
  } catch (thrown) {
    if (!(thrown instanceof Diverged)) throw thrown;
    return { ok: false, code: "diverged", message: thrown.message };
  }
}

export function entriesOf({ trace }: RecordedRun, vm: string): EntrySource {
  const chunks = trace.chunks(chunkKinds.boundary).filter(({ meta }) => meta["vm"] === vm);
  const read = (at: number): MachineEntry[] => {
    const chunk = chunks[at]!;
    const rows = trace.readPlain(chunk);
    if (!rows.ok) throw new Error(`boundary log at byte ${chunk.offset}: ${rows.message}`);
    return boundaryRows(rows.value as never).map(
      ({ progress, payload }) => ({ vm, step: progress, ...payload }) as unknown as MachineEntry,
    );
  };
  return { chunks: chunks.length, read };
}
