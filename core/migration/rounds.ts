/** Rounds of a move: what goes over while the machine runs, and the rest when it stands still. */
import { ask, type Entity, go, type Plain, type Step, uniform, wait } from "../kernel/index.ts";
import { clientBitmap, type MemoryEntity, memoryOf, settleMemory } from "../vmm/index.ts";
import { AWAIT_NS, isAwaited } from "./awaited.ts";
import { whileHere } from "./giving-up.ts";
import { type Op, runOf, send } from "./moving.ts";
import { afterRound, firstRate } from "./rate.ts";
import { beginLeavingOut, noteArrived } from "./referring.ts";
import { groupsOf, scanOf } from "./scan.ts";
import { agentOf, ANSWER_NS, CLIENT, MIGRATION_NOTICE, PAGE_BYTES } from "./settings.ts";

const lost = { timeoutNs: ANSWER_NS, otherwise: "giveUp" } as const;

export const roundPhases = {
  firstRound: whileHere((_host, op, run) => {
    beginLeavingOut(op, run);
    return beginRound(op, firstRate(op.params.settings), false);
  }),

  /** A stretch of the round; the next one leaves when the rate allows it and this one has come. */
  copy: whileHere((host, op, run) => {
    const stretch = send(host, op, run);
    if (stretch === undefined) return go(op.state.isLast ? "prepare" : "judge");
    const { bytes, message } = stretch;
    const to = agentOf(host, op.params.to).id;
    return ask(to, "pages", message as unknown as Plain, "pace", { ...lost, bytes });
  }),

  pace(host: Entity, op: Op): Step {
    const { bytes, sinceNs, bitsPerSecond } = op.state.round;
    const dueNs = sinceNs + Math.ceil((bytes * 8e9) / bitsPerSecond);
    return wait(Math.max(0, dueNs - host.simulatedNs), "copy");
  },

  judge: whileHere((host, op, run) => {
    const memory = memoryOf(run);
    settleMemory(memory);
    noteArrived(op, memory);
    const dirtiedPages = clientBitmap(memory, CLIENT, "dirty").count();
    endRound(host, op, dirtiedPages);
    const decision = afterRound(op.params.settings, op.state.rounds);
    const isAwaiting = decision.stops && isAwaited(op, run, "before-stop");
    if (decision.stops && !isAwaiting) {
      op.edit().isForced = decision.forced;
      return go("stop");
    }
    const { maxBitsPerSecond } = op.params.settings;
    op.edit().nextRate = decision.stops ? maxBitsPerSecond : decision.bitsPerSecond;
    return isAwaiting ? wait(AWAIT_NS, "takeDirty") : takeDirty(op, memory);
  }),

  takeDirty: whileHere((_host, op, run) => takeDirty(op, memoryOf(run))),

  nextRound: whileHere((_host, op) => beginRound(op, op.state.nextRate, false)),
};

function takeDirty(op: Op, memory: MemoryEntity): Step {
  noteArrived(op, memory);
  const body = { client: CLIENT, by: op.params.settings.by };
  return ask(memory.id, "take-dirty", body as unknown as Plain, "nextRound", lost);
}

export function beginRound(op: Op, bitsPerSecond: number, isLast: boolean): Step {
  const { entity } = op;
  const pages = runOf(op)!.config.spec.memoryPages;
  const drawn = (): number => entity.draw("scan order", uniform(groupsOf(pages)));
  const state = op.edit();
  state.scan = scanOf(pages, [drawn(), drawn()]);
  state.round = { sinceNs: entity.simulatedNs, bytes: 0, bitsPerSecond };
  state.isLast = isLast;
  return go("copy");
}

export function endRound(host: Entity, op: Op, dirtiedPages: number): void {
  const { sinceNs, bytes, bitsPerSecond } = op.state.round;
  const round = { bytes, ns: host.simulatedNs - sinceNs, dirtiedPages };
  op.edit().rounds.push(round);
  const { vm } = op.params;
  host.notice(MIGRATION_NOTICE, { vm, event: "round", ...round, bitsPerSecond });
  host.measure("dirtied-bytes", dirtiedPages * PAGE_BYTES);
}
