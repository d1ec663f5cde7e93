/**
 * Streams of a machine that was moved. What it sent from its former host may still be in that host's
 * queue when it goes on: what it sends from the new one says up to which number it had sent before, and
 * waits at the receiver's end until that has come, as a TCP receiver keeps what came early.
 *
 * Must hold: messages of a stream reach the guest in the order sent, and none is lost by a move. What
 * does not come in time counts as lost with its connection; should it come later it is dropped.
 */
import type { Editable } from "../kernel/index.ts";
import type { PacketInput } from "../guest/index.ts";
import { recordOf, type VmEntity, type VmState } from "./vm-state.ts";

/** For so long after a move messages say what came before; and for so long that is waited for. */
const PATIENCE_NS = 2_000_000_000;

type Earlies = NonNullable<VmState["early"]>;

/** The machine goes on here; what it has sent, it sent from elsewhere. */
export function noteMoved(vm: VmEntity): void {
  const { sent } = recordOf(vm).durable.journal;
  if (Object.keys(sent).length === 0) return;
  vm.edit().sentBefore = { counts: { ...sent }, untilNs: vm.simulatedNs + PATIENCE_NS };
  for (const from of new Set(vm.volatile.early?.map((packet) => packet.from))) {
    vm.after(PATIENCE_NS, "early-over", from);
  }
}

/** What a message says of those before it. */
export function afterOf({ volatile, simulatedNs }: VmEntity, to: string): { after?: number } {
  const { sentBefore } = volatile;
  if (sentBefore === undefined || simulatedNs > sentBefore.untilNs) return {};
  const after = sentBefore.counts[to];
  return after === undefined ? {} : { after };
}

/** Whether a message is to be given to the guest now; else it is kept, or dropped. */
export function isItsTurn(vm: VmEntity, packet: PacketInput): boolean {
  if (packet.delivery !== "stream") return true;
  const { early = [], givenUp } = vm.volatile;
  const { from, run, sequence, after = 0 } = packet;
  const past = givenUp?.[from];
  if (past !== undefined && past.run === run && sequence <= past.sequence) return false;
  const isBehind = early.some((each) => each.from === from && each.run === run);
  // One of those that are waited for.
  const fills = isBehind && sequence <= early.find((each) => each.from === from)!.after!;
  if (fills || (!isBehind && after <= lastOf(vm, packet))) return true;
  if (!isBehind) vm.after(PATIENCE_NS, "early-over", from);
  vm.edit().early = [...early, packet] as Editable<Earlies>;
  return false;
}

/** Takes the messages of a sender that need not wait any more; `isOver`: for whatever they waited. */
export function takeEarly(vm: VmEntity, from: string, isOver: boolean): readonly PacketInput[] {
  const { early } = vm.volatile;
  const own = early?.filter((each) => each.from === from) ?? [];
  const [first] = own;
  if (first === undefined || (!isOver && lastOf(vm, first) < first.after!)) return [];
  const state = vm.edit();
  state.early = early!.filter((each) => each.from !== from) as Editable<Earlies>;
  if (state.early.length === 0) delete state.early;
  if (isOver) {
    state.givenUp = { ...state.givenUp, [from]: { run: first.run, sequence: first.after! } };
  }
  return own;
}

/** Number of the last message of a sender that has come, those that wait for the guest included. */
function lastOf(vm: VmEntity, { from, run }: PacketInput): number {
  const received = recordOf(vm).durable.journal.received[from];
  let last = received?.run === run ? received.last : 0;
  for (const input of vm.volatile.held) {
    if (input.kind !== "packet" || input.from !== from || input.run !== run) continue;
    if (input.delivery !== "stream") continue;
    last = Math.max(last, input.sequence);
  }
  return last;
}
