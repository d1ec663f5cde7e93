// Whose turn it is. Harts run one after the other, each for a quantum of instructions; one that waits or is stopped loses
// the rest of its turn. A round is one turn of every hart in `order`; the order changes between rounds only.

import type { ScheduleState } from "./state.ts";

export interface Turn {
  readonly hart: number;
  readonly position: number;
  readonly left: number;
  /** The turn is the first of a new round. */
  readonly newRound: boolean;
}

/** The next hart that can run, or null; changes nothing, so that looking leaves no trace. */
export function nextTurn(
  schedule: ScheduleState,
  quantum: number,
  canRun: (hart: number) => boolean,
): Turn | null {
  const { order, nextOrder, position, left } = schedule;
  const current = order[position]!;
  if (left > 0 && canRun(current)) return { hart: current, position, left, newRound: false };
  for (let at = position + 1; at < order.length; at++) {
    const hart = order[at]!;
    if (canRun(hart)) return { hart, position: at, left: quantum, newRound: false };
  }
  for (const [at, hart] of nextOrder.entries())
    if (canRun(hart)) return { hart, position: at, left: quantum, newRound: true };
  return null;
}

/** The turn is taken: its hart is about to execute. */
export function takeTurn(schedule: ScheduleState, turn: Turn): void {
  if (turn.newRound) schedule.order = [...schedule.nextOrder];
  schedule.position = turn.position;
  schedule.left = turn.left;
}
