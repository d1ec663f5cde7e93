/**
 * A recorded machine under a debugger, held against the same machine executed once, instruction by
 * instruction, from its boundary log.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import { program } from "../../core/vmm/rv64/testing/index.ts";
import { finish } from "../replaying/sliced.ts";
import type { Direction, Stops } from "./debug-target.ts";
import { handlersOf, takesInterrupt } from "./interrupts.ts";
import type { RecordedBoard } from "./recorded-board.ts";
import type { RecordedMachine } from "./recorded-machine.ts";
import { debugged, type RecordedGuest, recordGuests } from "./testing/recorded-guest.ts";
import { nextWatched, resolveStops } from "./watching.ts";

const MACHINES = [
  { id: "m1", program: "world/talk", host: 0, peer: "m2" },
  { id: "m2", program: "world/talk", host: 1, peer: "m1" },
  { id: "m3", program: "world/worker", host: 0, disk: true },
  { id: "m4", program: "board/smp", host: 0, harts: 3 },
] as const;
const PROGRAMS = MACHINES.map((each) => each.program);
/** Few and small, so that they are thinned out all the time. */
const TIGHT = { pages: 40, checkpoints: 5 };

const guests = recordGuests(MACHINES, { crashNs: 600_000, untilNs: 1_800_000 });
const always = (): boolean => true;

/** Goes through once and looks at every place; the engine stands before it executes anything there. */
function goThrough(
  { machine, board, journey }: ReturnType<typeof debugged>,
  look: (place: number, board: RecordedBoard) => void,
): void {
  for (let place = 0; place < machine.end; place++) {
    look(place, board);
    while (journey.place <= place) journey.slice(place + 1);
  }
}

/** The program counter of what a hart executes next. */
function nextPc({ engine }: RecordedBoard, hart: number): bigint {
  if (takesInterrupt(engine, hart)) return handlersOf(engine, hart).at(-1)!;
  return engine.word(hart, rv64.layout.HART_PC);
}

describe.each(MACHINES.map(({ id }, at) => [id, at] as const))("%s, recorded", (_, at) => {
  const guest = guests[at]!;
  const once = debugged(guest, PROGRAMS);
  const { end } = once.machine;
  const hashes = new Map<number, bigint>();
  /** By place: how often each hart has executed something, and which run it is. */
  const executed: (readonly bigint[])[] = [];
  const harts = Array.from({ length: once.machine.harts }, (__, hart) => hart);
  goThrough(once, (place, board) => {
    if (place % 1_999 === 0) hashes.set(place, board.board.stateHash());
    executed.push([...harts.map((hart) => board.executed(hart)), BigInt(board.run)]);
  });

  it("is at any place what it was when executed once, whichever way it came", () => {
    const { journey, board } = debugged(guest, PROGRAMS, TIGHT);
    const places = [...hashes.keys()];
    const way = fc.array(fc.nat(places.length - 1), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(way, (picks) => {
        for (const [i, pick] of picks.entries()) {
          const place = places[pick]!;
          finish(i % 2 === 0 ? journey.seekBack(place) : journey.seek(place));
          expect(board.board.stateHash()).toBe(hashes.get(place));
        }
        expect(journey.checkpoints.count).toBeLessThanOrEqual(TIGHT.checkpoints);
        expect(journey.checkpoints.pages).toBeLessThanOrEqual(TIGHT.pages);
      }),
      { numRuns: 12, seed: at },
    );
  });

  /** The last place at which a hart, or the power, did something before this one. */
  function lastBefore(place: number, hart: number): number {
    const same = (a: number): boolean =>
      executed[a]![hart] === executed[place]![hart] &&
      executed[a]!.at(-1) === executed[place]!.at(-1);
    let last = place - 1;
    while (last >= 0 && same(last)) last--;
    return last;
  }

  it("steps back to where a hart executed last, and forwards again", () => {
    const { machine, board } = debugged(guest, PROGRAMS, TIGHT);
    fc.assert(
      fc.property(fc.nat(end - 1), fc.nat(machine.harts - 1), (place, hart) => {
        finish(machine.seek(place, always));
        const last = lastBefore(place, hart);
        const back = finish(machine.move("backward", hart, always));
        expect(back.kind).toBe(last < 0 ? "begin" : "stepped");
        expect(machine.place()).toBe(Math.max(0, last));
        if (last < 0) return;
        expect(board.executed(hart)).toBe(executed[last]![hart]);
        const { kind } = finish(machine.move("forward", hart, always));
        expect([kind, machine.place()]).toEqual(["stepped", last + 1]);
      }),
      { numRuns: 15, seed: at },
    );
  });
});

const worker = rv64.symbolsOf(program("world/worker").bytes);
const address = (name: string): bigint => worker.find(name)!;
const watching = (kind: "write" | "read" | "access"): Stops => ({
  breakpoints: [],
  watches: [{ kind, address: address("status"), bytes: 1 }],
});
const KINDS: readonly (readonly [string, Stops])[] = [
  ["breakpoints", { breakpoints: [address("request"), address("trap")], watches: [] }],
  ["watched stores", watching("write")],
  ["watched loads", watching("read")],
  ["watched accesses", watching("access")],
];

/** All places at which something of this is about to happen. */
function stopsOf(guest: RecordedGuest, stops: Stops): number[] {
  const once = debugged(guest, PROGRAMS);
  const resolved = resolveStops(once.board.engine, 0, stops);
  if (typeof resolved === "string") throw new Error(resolved);
  const found: number[] = [];
  goThrough(once, (place, board) => {
    const hart = board.board.nextHart();
    if (hart === null || board.isAtEndOfRun) return;
    const isBreak = stops.breakpoints.includes(nextPc(board, hart));
    if (isBreak || nextWatched(board.engine, hart, resolved) !== undefined) found.push(place);
  });
  return found;
}

/** All stops in a direction, with the step over a watched access that a debugger makes. */
function walk(machine: RecordedMachine, direction: Direction, stops: Stops): number[] {
  const places: number[] = [];
  for (;;) {
    expect(machine.setStops(0, stops)).toBeNull();
    const { kind } = finish(machine.move(direction, null, always));
    if (kind === "begin" || kind === "end") return places;
    if (kind === "watch") machine.setStops(0, { breakpoints: [], watches: [] });
    if (kind === "watch" && direction === "backward")
      finish(machine.move(direction, machine.hart(), always));
    places.push(machine.place());
    if (kind === "watch" && direction === "forward")
      finish(machine.move(direction, machine.hart(), always));
  }
}

describe("stops of a debugger", () => {
  const guest = guests[2]!;

  it.each(KINDS)("%s: all of them are found, forwards and backwards", (_, stops) => {
    const expected = stopsOf(guest, stops);
    expect(expected.length).toBeGreaterThan(2);
    const { machine } = debugged(guest, PROGRAMS);
    expect(walk(machine, "forward", stops)).toEqual(expected);
    expect(machine.place()).toBe(machine.end);
    expect(walk(machine, "backward", stops).reverse()).toEqual(expected);
    expect(machine.place()).toBe(0);
  });

  it("are left for an interruption, and found from there", () => {
    const { machine } = debugged(guest, PROGRAMS, TIGHT);
    const [, stops] = KINDS[0]!;
    expect(finish(machine.move("forward", null, () => false)).kind).toBe("interrupted");
    finish(machine.seek(machine.end, always));
    machine.setStops(0, { breakpoints: [0x8000_0000n - 2n], watches: [] });
    expect(finish(machine.move("backward", null, () => false)).kind).toBe("interrupted");
    const here = machine.place();
    machine.setStops(0, stops);
    finish(machine.move("backward", null, always));
    expect(machine.place()).toBe(stopsOf(guest, stops).findLast((place) => place < here));
  });

  it("canary: a machine whose input comes late is not where it was", () => {
    const at = guest.entries.findLastIndex(({ input }) => input.kind === "block-done");
    const entry = guest.entries[at]!;
    const late = { ...entry, step: entry.step + 40 };
    const changed = { ...guest, entries: guest.entries.with(at, late) };
    const hashes = [guest, changed].map((each) => {
      const { journey, board } = debugged(each, PROGRAMS);
      finish(journey.seek(board.log.runs[1]!.begin + late.step + 1_000));
      return board.board.stateHash();
    });
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});
