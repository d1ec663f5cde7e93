/**
 * A recorded machine that goes on from images of itself, held against the same machine executed
 * straight on: at a progress it is the same in every run.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import type { MachineEntry } from "../../core/vmm/index.ts";
import { program } from "../../core/vmm/rv64/testing/index.ts";
import { finish } from "../replaying/sliced.ts";
import type { Direction, Stops } from "./debug-target.ts";
import { debugged, type RecordedGuest, recordGuests } from "./testing/recorded-guest.ts";

const MACHINES = [
  { id: "m3", program: "world/worker", host: 0, disk: true },
  { id: "m4", program: "board/smp", host: 0, harts: 3 },
] as const;
const PROGRAMS = MACHINES.map((each) => each.program);
/** Few and small, so that they are thinned out all the time. */
const TIGHT = { pages: 40, checkpoints: 5 };
const always = (): boolean => true;
const guests = recordGuests(MACHINES, { crashNs: 600_000, untilNs: 1_800_000 });

type Input = MachineEntry["input"];

/** A log that is written on, entry by entry. */
class Log {
  readonly entries: MachineEntry[] = [];

  add({ vm, nowNs }: MachineEntry, step: number, input: Input): void {
    this.entries.push({ vm, nowNs, step, input, count: this.entries.length });
  }

  copy(entries: readonly MachineEntry[]): void {
    for (const each of entries) this.add(each, each.step, each.input);
  }
}

/**
 * The second run of a guest with images: it ends and goes on from one, takes another there, ends and
 * goes on from that, and once more from the first, which was taken right before an input. `lacks`: that
 * input does not come again.
 */
function restoredOften({ entries, ...guest }: RecordedGuest, lacks = false): RecordedGuest {
  const begin = entries.findLastIndex(({ input }) => input.kind === "start");
  const last = entries.slice(begin).findIndex(({ input }) => input.kind === "end");
  const own = entries.slice(begin, last < 0 ? undefined : begin + last);
  const { run } = own[0]!.input as { readonly run: number };
  const first = own[Math.floor(own.length / 2)]!;
  const endStep = last < 0 ? guest.endProgress : entries[begin + last]!.step;
  const [a, b, c] = [first.step, (first.step + endStep) >> 1, endStep - 500];
  expect(c - b).toBeGreaterThan(500);
  const log = new Log();
  const copy = (from: number, to: number): void => {
    log.copy(own.filter(({ step }) => step >= from && step < to));
  };
  const take = (step: number, image: string): void => {
    log.add(first, step, { kind: "image-taken", image, isExit: false });
  };
  const goOn = (step: number, from: number, image: string): void => {
    log.add(first, step, { kind: "end", isCut: false });
    const input = { kind: "image-restored", image, isExit: false, run, boots: 1 } as const;
    log.add(first, from, input);
  };
  log.copy(entries.slice(0, begin));
  copy(-1, a);
  take(a, "a");
  copy(a, c);
  goOn(c, a, "a");
  copy(lacks ? a + 1 : a, b);
  take(b, "b");
  goOn(b, b, "b");
  copy(b, c);
  goOn(c, a, "a");
  copy(a, Infinity);
  if (last >= 0) log.copy(entries.slice(begin + last));
  return { ...guest, entries: log.entries };
}

describe.each(MACHINES.map(({ id }, at) => [id, at] as const))("%s, restored", (_, at) => {
  const guest = guests[at]!;
  const restored = restoredOften(guest);
  const straight = debugged(guest, PROGRAMS);
  const begun = straight.board.log.runs[1]!.begin;
  const { runs } = debugged(restored, PROGRAMS).board.log;
  const END = debugged(restored, PROGRAMS).machine.end;

  /** Where it is straight on, at a place of the restored one. */
  function placeOf(place: number): number {
    const run = runs.findLast(({ begin }) => begin <= place)!;
    return run === runs[0] ? place : begun + (place - run.zero);
  }

  function expected(place: number): bigint {
    finish(straight.journey.seek(placeOf(place)));
    return straight.board.board.stateHash();
  }

  /** The same as a debugger sees it, behind an interrupt that is taken there. */
  function settled(place: number): bigint {
    finish(straight.machine.seek(placeOf(place), always));
    return straight.board.board.stateHash();
  }

  const nearRestores = fc
    .tuple(fc.constantFrom(...runs.slice(2)), fc.integer({ min: -3, max: 900 }))
    .map(([{ begin }, by]) => begin + by);

  it("is at any place what it is without, whichever way it came", () => {
    expect(runs.map(({ image }) => image !== null)).toEqual([false, false, true, true, true]);
    const way = fc.array(fc.oneof(fc.nat(END), nearRestores), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(way, (places) => {
        const { journey, board } = debugged(restored, PROGRAMS, TIGHT);
        for (const [i, wanted] of places.entries()) {
          const place = Math.min(wanted, END);
          finish(i % 2 === 0 ? journey.seekBack(place) : journey.seek(place));
          expect([place, board.board.stateHash()]).toEqual([place, expected(place)]);
        }
      }),
      { numRuns: 10, seed: at },
    );
  });

  it("steps back over where it went on, and forwards again", () => {
    for (const { begin, image } of runs.slice(2)) {
      const { machine, board } = debugged(restored, PROGRAMS, TIGHT);
      finish(machine.seek(image!.place, always));
      const taken = machine.register(0, { kind: "pc" });
      const step = (direction: Direction): number => {
        expect(finish(machine.move(direction, 0, always)).kind).toBe("stepped");
        expect(board.board.stateHash()).toBe(settled(machine.place()));
        return machine.place();
      };
      finish(machine.seek(begin, always));
      expect(machine.register(0, { kind: "pc" })).toBe(taken);
      expect(step("backward")).toBe(begin - 1);
      expect(step("forward")).toBe(begin);
      const behind = step("forward");
      expect(step("backward")).toBe(behind - 1);
    }
  });

  it("canary: one that lacks an input behind its image is another", () => {
    const place = runs[2]!.begin;
    const { journey, board } = debugged(restoredOften(guest, true), PROGRAMS);
    finish(journey.seek(place));
    expect(board.board.stateHash()).not.toBe(expected(place));
  });
});

describe("a restored machine under a debugger", () => {
  const restored = restoredOften(guests[0]!);
  const symbols = rv64.symbolsOf(program("world/worker").bytes);

  it("stops at the breakpoints of all its runs, forwards and backwards", () => {
    const { machine, board } = debugged(restored, PROGRAMS);
    const stops: Stops = { breakpoints: [symbols.find("request")!], watches: [] };
    const walk = (direction: Direction): number[] => {
      const places: number[] = [];
      for (;;) {
        machine.setStops(0, stops);
        if (finish(machine.move(direction, null, always)).kind !== "breakpoint") return places;
        places.push(machine.place());
      }
    };
    const found = walk("forward");
    expect(new Set(found.map((place) => board.log.runAt(place))).size).toBeGreaterThan(2);
    expect(walk("backward").reverse()).toEqual(found);
    expect(machine.place()).toBe(0);
  });

  it("knows a store from before its image was taken", () => {
    const { machine, board } = debugged(restored, PROGRAMS);
    const { image, begin } = board.log.runs.at(-1)!;
    finish(machine.seek(begin + 1, always));
    const found = finish(machine.lastStore(Number(symbols.find("status")!), 1, always))!;
    expect(found.place).toBeLessThanOrEqual(image!.place);
    expect(board.run).toBe(1);
  });
});
