/**
 * When things happened in the world around a recorded machine. The world of the recording is built for
 * it, at the first question; saved snapshots say roughly where to look, the machine's clock exactly.
 */
import { SECOND } from "../../core/kernel/index.ts";
import { type MachineState, timeOf, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { RecordedRun } from "../replaying/recorded-run.ts";
import type { Timeline } from "../replaying/timeline.ts";
import type { Run } from "./entry-log.ts";

export interface WorldClock {
  /**
   * Simulated time of a progress within a run, and the last event of the world up to then; null when
   * the recording of the world ends before.
   */
  readonly at: (
    run: number,
    progress: number,
  ) => { readonly timeNs: number; readonly event: number } | null;
  /** Progress of the machine at the end of the recording, if it is on. */
  readonly endProgress: () => number;
  /** Where the machine stands in the world as it is now: a run and a progress in it; undefined while it is off. */
  readonly now: () => { readonly run: number; readonly progress: number } | undefined;
}

export interface ClockOptions {
  readonly run: RecordedRun;
  /** The world of the recording, built when it is asked for. */
  readonly timeline: () => Timeline;
  readonly vm: string;
  readonly instructionsPerSecond: number;
  /** Runs of the machine. */
  readonly runs: readonly Pick<Run, "restores" | "powerOn" | "boots" | "first" | "image">[];
}

/** Which run it is; runs come in this order, compared member by member. */
type Order = readonly [restores: number, powerOn: number, boots: number];

const orderOf = ({ restores, powerOn, boots }: ClockOptions["runs"][number]): Order => [
  restores,
  powerOn,
  boots,
];

/** Negative: `a` comes first; 0: they are the same. */
function compare(a: Order, b: Order): number {
  const at = a.findIndex((each, i) => each !== b[i]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}

/** Where a machine is at a moment of the world. */
interface Moment {
  readonly order: Order;
  readonly progress: number;
  readonly state: MachineState | undefined;
}

export class RecordedClock implements WorldClock {
  readonly #options: ClockOptions;
  constructor(options: ClockOptions) {
    this.#options = options;
  }

  at(run: number, progress: number): { timeNs: number; event: number } | null {
    const timeline = this.#opened();
    this.#goTo(this.#endNs());
    if (!this.#isAtOrBehind(run, progress)) return null;
    const timeNs = this.#timeOf(run, progress);
    this.#goTo(timeNs);
    return { timeNs, event: timeline.event };
  }

  endProgress(): number {
    this.#goTo(this.#endNs());
    return this.#moment().progress;
  }

  now(): { readonly run: number; readonly progress: number } | undefined {
    this.#opened().world.advancing.settle();
    const { order, state } = this.#moment();
    const run = this.#options.runs.findIndex((each) => compare(orderOf(each), order) === 0);
    const board = state?.board ?? null;
    return run < 0 || board === null ? undefined : { run, progress: board.progress };
  }

  #opened(): Timeline {
    return this.#options.timeline();
  }

  #endNs(): number {
    const { run } = this.#options;
    return run.end?.timeNs ?? Math.max(0, ...run.epochs.slice(-1).map(({ timeNs }) => timeNs));
  }

  #goTo(timeNs: number): void {
    this.#opened().seekTime(timeNs);
  }

  /** The first instant at which the machine has come to this progress of this run, or gone on from it. */
  #timeOf(run: number, progress: number): number {
    const timeline = this.#opened();
    const { snapshots, lastEvent } = this.#options.run;
    const hasCome = (): boolean => this.#isAtOrBehind(run, progress);
    const behind = firstWhere(0, snapshots.length, (at) => {
      timeline.seekTime(snapshots[at]!.timeNs);
      return hasCome();
    });
    const from = snapshots[behind - 1]?.event ?? 0;
    const high = snapshots[behind]?.event ?? lastEvent + 1;
    // Event by event: going back and forth would execute all of it again and again.
    let event = from;
    timeline.seekEvent(event);
    while (event < high && !hasCome()) timeline.seekEvent(++event);
    const most = Math.max(timeline.world.timeNs, snapshots[behind - 1]?.timeNs ?? 0);
    if (event === 0) return most;
    timeline.seekEvent(event - 1);
    const { state, order } = this.#moment();
    if (!state || compare(order, orderOf(this.#options.runs[run]!)) !== 0) return most;
    const { instructionsPerSecond } = this.#options;
    return Math.min(most, timeOf(state.clock, instructionsPerSecond, progress));
  }

  #isAtOrBehind(run: number, progress: number): boolean {
    const now = this.#moment();
    const ahead = compare(now.order, orderOf(this.#options.runs[run]!));
    return ahead > 0 || (ahead === 0 && now.progress >= progress);
  }

  #moment(): Moment {
    const { vm, instructionsPerSecond } = this.#options;
    const { world } = this.#opened();
    const record = vmRecordOf(world, vm);
    const machine = vmOf(record);
    const { run, steps } = record.durable;
    const restores = this.#options.runs.filter((each) => each.image && each.first <= steps).length;
    const state = machine?.volatile as unknown as MachineState | undefined;
    // One that is to go on from an image has not begun: it is what it was while it was off.
    if (state === undefined || (state.goesOnFrom !== null && "image" in state.goesOnFrom)) {
      const order = [restores, run, run > 0 ? Infinity : 0] as const;
      return { order, progress: 0, state: undefined };
    }
    const order = [restores, machine!.config.run, state.boots] as const;
    const { clock, stuns, board, stage } = state;
    const stands = stuns > 0 || board === null || stage !== "running" || board.halted !== null;
    const ran = Math.max(0, world.timeNs - clock.sinceNs);
    const byTime =
      clock.from + Number((BigInt(ran) * BigInt(instructionsPerSecond)) / BigInt(SECOND));
    const kept = board?.progress ?? 0;
    const isHeld = stands || state.exit !== null;
    return { order, progress: isHeld ? Math.min(byTime, kept) : byTime, state };
  }
}

/** The first number from `low` on for which something holds that holds behind it too; else `high`. */
function firstWhere(low: number, high: number, holds: (value: number) => boolean): number {
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
