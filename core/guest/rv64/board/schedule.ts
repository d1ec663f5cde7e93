// Whose turn it is. Harts run one after the other, each for a quantum of instructions; one that waits or is stopped loses
// the rest of its turn. A round is one turn of every hart in `order`; each round can have an order of its own, which the
// host draws for many rounds at once: it is asked behind the first instruction of the round that took the last of them.

import { orderOf } from "../../../kernel/index.ts";
import type { ScheduleState } from "./state.ts";

export interface Turn {
  readonly hart: number;
  readonly position: number;
  readonly left: number;
  /** The turn is the first of a new round. */
  readonly newRound: boolean;
}

/** Of the next round: the same as of this one when the host has given none. */
function nextOrder({ order, orders }: ScheduleState): readonly number[] {
  return orders[0] === undefined ? order : orderOf(orders[0], order.length);
}

/** The next hart that can run, or null; changes nothing, so that looking leaves no trace. */
export function nextTurn(
  schedule: ScheduleState,
  quantum: number,
  canRun: (hart: number) => boolean,
): Turn | null {
  const { order, position, left } = schedule;
  const current = order[position]!;
  if (left > 0 && canRun(current)) return { hart: current, position, left, newRound: false };
  for (let at = position + 1; at < order.length; at++) {
    const hart = order[at]!;
    if (canRun(hart)) return { hart, position: at, left: quantum, newRound: false };
  }
  for (const [at, hart] of nextOrder(schedule).entries())
    if (canRun(hart)) return { hart, position: at, left: quantum, newRound: true };
  return null;
}

/** The turn is taken: its hart is about to execute. */
export function takeTurn(schedule: ScheduleState, turn: Turn): void {
  if (turn.newRound && schedule.orders.length > 0) {
    schedule.order = [...nextOrder(schedule)];
    schedule.orders.shift();
    schedule.asks = schedule.orders.length === 0;
  }
  schedule.position = turn.position;
  schedule.left = turn.left;
}
