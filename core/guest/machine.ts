/**
 * The one step of every guest: an input goes in, outputs come out, state and journal are changed.
 * The machine of a world and a lone guest both take it, so what one does the other repeats.
 */
import { assert, type ContentRun } from "../kernel/index.ts";
import type { GuestInput, GuestJournal, GuestOutput, GuestSpec, GuestState } from "./guest.ts";
import { Guest, type GuestHome } from "./guest-handle.ts";
import type { AnyGuestKind, GuestKind } from "./guest-kind.ts";
import { emptyDiskJournal } from "./history/recent-write.ts";

/** Kinds of guest by name. */
export type GuestKinds = ReadonlyMap<string, GuestKind>;

export function guestKinds(kinds: readonly AnyGuestKind[]): GuestKinds {
  const byName = new Map<string, GuestKind>();
  for (const each of kinds as unknown as readonly GuestKind[]) {
    assert(!byName.has(each.kind), () => `two kinds of guest are named ${each.kind}`);
    byName.set(each.kind, each);
  }
  return byName;
}

export function kindOf(kinds: GuestKinds, spec: GuestSpec): GuestKind {
  const kind = kinds.get(spec.kind);
  assert(kind, () => `${spec.vm}: no guest of kind ${spec.kind}`);
  return kind;
}

/** State at power-on. */
export const initialState = (kind: GuestKind, spec: GuestSpec): GuestState => ({
  stage: "off",
  verify: { disk: 0, sector: 0, open: 0 },
  nextRequest: 1,
  open: {},
  own: kind.state(spec.config),
});

/** Journal before the first power-on. */
export const initialJournal = (kind: GuestKind, spec: GuestSpec): GuestJournal => ({
  clock: 1,
  run: 0,
  disks: spec.disks.map(emptyDiskJournal),
  sent: {},
  received: {},
  own: kind.journal(spec.config),
});

/** Delivers an input; the guest's outputs in order. */
export function step(kind: GuestKind, home: GuestHome, input: GuestInput): readonly GuestOutput[] {
  const guest = new Guest(home);
  if (input.kind === "start") {
    const { journal } = home;
    journal.run = input.run;
    journal.sent = {};
    if (input.crashed) guest.crashed();
  }
  kind.deliver(guest, input);
  return guest.outputs;
}

/** The input as a boundary log keeps it: content that the guest expects is only referred to. */
export function referenced(home: GuestHome, input: GuestInput): GuestInput {
  if (input.kind !== "block-done" || !input.ok || input.runs === undefined) return input;
  const expected = new Guest(home).expectedOf(input.id);
  if (expected === undefined || !equalRuns(expected, input.runs)) return input;
  return { ...input, runs: "as-written" };
}

/** The input that `referenced` made this of; the home must be in the same state as then. */
export function resolved(home: GuestHome, input: GuestInput): GuestInput {
  if (input.kind !== "block-done" || !input.ok || input.runs !== "as-written") return input;
  const expected = new Guest(home).expectedOf(input.id);
  assert(expected, () => `no read ${input.id} is open`);
  return { ...input, runs: expected };
}

/** Of canonical lists; bytes are never expected. */
function equalRuns(a: readonly ContentRun[], b: readonly ContentRun[] | "as-written"): boolean {
  if (b === "as-written" || a.length !== b.length) return false;
  return a.every((run, index) => {
    const other = b[index]!;
    if (run.kind !== other.kind || run.sectors !== other.sectors) return false;
    if (run.kind === "stamp") return other.kind === "stamp" && run.stamp === other.stamp;
    return run.kind === "zero";
  });
}
