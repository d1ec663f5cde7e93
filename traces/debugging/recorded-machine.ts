/**
 * A recorded machine under a debugger. Forwards it is executed with breakpoints and watches in the
 * engine; backwards, stretch by stretch from checkpoint to checkpoint, to find the last stop in each.
 */
import { rv64 } from "../../core/guest/index.ts";
import type { Sliced } from "../replaying/sliced.ts";
import type {
  DebugTarget,
  Direction,
  Halted,
  RegisterName,
  Stops,
  WatchedRange,
  Whereabouts,
} from "./debug-target.ts";
import { handlersOf, takesInterrupt } from "./interrupts.ts";
import type { Journey } from "./journey.ts";
import type { WorldClock } from "./world-clock.ts";
import {
  type FoundStop,
  NO_STOPS,
  nextWatched,
  physicalOf,
  type ResolvedStops,
  resolveStops,
} from "./watching.ts";

const { HART_F, HART_PC, HART_PRIVILEGE, HART_TRAPPED, HART_X } = rv64.layout;
/** Instructions looked at one by one, before someone else gets a turn. */
const LOOKS = 4_096;
/** Stops in one stretch, before it is looked at from its end. */
const DENSE_STOPS = 64;
/** A stretch that is not worth being cut further. */
const SHORT_STRETCH = 2_048;

type Store = Pick<FoundStop, "place" | "hart">;
type Scanned = FoundStop | "nothing" | "dense" | "interrupted";

export class RecordedMachine implements DebugTarget {
  readonly begin: number;
  readonly end: number;
  readonly #journey: Journey;
  readonly #clock: WorldClock;
  #stops: ResolvedStops = NO_STOPS;
  /** The hart that was last stopped at, while the machine stands there. */
  #focus: number | undefined;

  constructor(journey: Journey, clock: WorldClock) {
    this.#journey = journey;
    this.#clock = clock;
    this.begin = journey.place;
    this.end = journey.end;
  }

  get #engine(): rv64.Engine {
    return this.#journey.machine.engine;
  }

  get #board(): rv64.Board {
    return this.#journey.machine.board;
  }

  get harts(): number {
    return this.#engine.harts;
  }

  place(): number {
    return this.#journey.place;
  }

  hart(): number {
    const { order, position } = this.#board.state.schedule;
    return this.#focus ?? this.#board.nextHart() ?? order[position]!;
  }

  register(hart: number, name: RegisterName): bigint | null {
    const engine = this.#engine;
    switch (name.kind) {
      case "integer":
        return engine.word(hart, HART_X + 8 * name.number);
      case "float":
        return engine.word(hart, HART_F + 8 * name.number);
      case "csr":
        return engine.readCsr(hart, name.number);
      case "pc":
        return engine.word(hart, HART_PC);
      case "privilege":
        return engine.word(hart, HART_PRIVILEGE);
    }
  }

  read(hart: number, address: bigint, bytes: number): Uint8Array {
    const engine = this.#engine;
    const wrapped = (at: bigint): bigint => BigInt.asUintN(64, at);
    return rv64.bytesAt({ engine }, address, bytes, (at) => physicalOf(engine, hart, wrapped(at)));
  }

  /** Bytes of physical memory; as many as there are. */
  readPhysical(address: bigint, bytes: number): Uint8Array {
    return rv64.bytesAt({ engine: this.#engine }, address, bytes, (at) => at);
  }

  /** Where an address that a hart would use lies; null: nowhere. */
  physical(hart: number, address: bigint): bigint | null {
    return rv64.addressOf(this.#engine, hart, address);
  }

  isInRam(physical: bigint, bytes: number): boolean {
    const offset = physical - BigInt(rv64.layout.RAM_BASE);
    return bytes > 0 && offset >= 0n && offset + BigInt(bytes) <= this.#engine.ramBytes;
  }

  /** The next instruction of a hart. */
  instructionAt(
    hart: number,
    symbols: rv64.Symbols,
  ): { readonly pc: string; readonly at: string; readonly text: string } {
    const pc = this.register(hart, { kind: "pc" })!;
    const text = rv64.disassemble(this.read(hart, pc, 4), pc)?.text ?? "?";
    return { pc: rv64.hex(pc), at: symbols.nameOf(pc), text };
  }

  /** Where the world stands that it was opened with; its own end while it is off there. */
  placeInWorld(): number {
    const now = this.#clock.now();
    if (now === undefined) return this.end;
    return this.#journey.machine.log.runs[now.run]!.zero + now.progress;
  }

  /**
   * The last store of an instruction into a range of RAM since power-on, up to where it stands, on the way that led
   * here: before a run from an image lies what is in that. It stands right behind the store then; undefined when there
   * is none, or whoever drives it wanted it to end.
   */
  *lastStore(physical: number, bytes: number, goesOn: () => boolean): Sliced<Store | undefined> {
    const pieces = [{ address: physical, bytes }];
    const range = { kind: "write", address: BigInt(physical), bytes } as const;
    this.#stops = { ...NO_STOPS, watched: [{ range, pieces }], stores: pieces };
    const { machine } = this.#journey;
    let halted = yield* this.#back(goesOn, machine.beginOfRun);
    while (halted.kind === "begin" && machine.imageOfRun !== null) {
      yield* this.#approach(machine.imageOfRun.place);
      halted = yield* this.#back(goesOn, machine.beginOfRun);
    }
    this.#stops = NO_STOPS;
    return halted.kind === "watch" ? { place: this.place(), hart: halted.hart } : undefined;
  }

  where(): Whereabouts {
    const { machine, place } = this.#journey;
    const progress = place - machine.zeroOfRun;
    let retired = 0n;
    for (let hart = 0; hart < this.harts; hart++) {
      retired += machine.executed(hart) - this.#engine.word(hart, HART_TRAPPED);
    }
    const world = this.#clock.at(machine.run, progress);
    return { place, run: machine.run, progress, retired, world };
  }

  setStops(hart: number, stops: Stops): string | null {
    const resolved = resolveStops(this.#engine, hart, stops);
    if (typeof resolved === "string") return resolved;
    this.#stops = resolved;
    return null;
  }

  *move(
    direction: Direction,
    step: number | null,
    goesOn: () => boolean,
    only?: number,
  ): Sliced<Halted> {
    this.#focus = undefined;
    const moving =
      direction === "forward"
        ? this.#forward(step, goesOn, only)
        : step === null
          ? this.#back(goesOn)
          : this.#stepBack(step, goesOn);
    const halted = yield* moving;
    if (halted.kind !== "breakpoint") yield* this.#settle();
    if ("hart" in halted) this.#focus = halted.hart;
    return halted;
  }

  *seek(place: number, goesOn: () => boolean): Sliced<Halted> {
    this.#focus = undefined;
    this.#arm(NO_STOPS);
    const target = Math.min(Math.max(place, this.begin), this.end);
    const arrived = yield* this.#journey.seek(target, goesOn);
    yield* this.#settle();
    if (!arrived) return { kind: "interrupted" };
    return { kind: "stepped", hart: this.hart() };
  }

  #arm({ breakpoints, stores, traced }: ResolvedStops): void {
    this.#journey.machine.setStops(breakpoints, stores, traced);
  }

  *#forward(step: number | null, goesOn: () => boolean, only?: number): Sliced<Halted> {
    const journey = this.#journey;
    const { machine } = journey;
    if (journey.place >= this.end) return { kind: "end" };
    this.#arm(this.#stops);
    const [run, from] = [machine.run, step === null ? 0n : machine.executed(step)];
    const oneByOne = step !== null;
    for (let looks = 0, over = true, begins = true, traced = false; ; begins = false) {
      const ahead = begins || oneByOne || traced ? this.#lookAhead() : undefined;
      if (ahead !== undefined) return { kind: "watch", ...ahead };
      const ran: rv64.BoardRun | undefined = traced
        ? journey.pass()
        : journey.slice(oneByOne ? this.#next() : this.end, over);
      traced = ran?.stop?.reason === "trace";
      over = ran?.stop?.reason === "breakpoint" && only !== undefined && ran.hart !== only;
      if (ran?.reason === "debug" && !over && !traced) {
        const halted = yield* this.#haltedAt(ran);
        if (halted !== undefined) return halted;
      }
      if (step !== null && (machine.run !== run || machine.executed(step) > from)) {
        return { kind: "stepped", hart: step };
      }
      if (journey.place >= this.end) return { kind: "end" };
      if ((oneByOne || over || traced) && ++looks % LOOKS !== 0) continue;
      if (!goesOn()) return { kind: "interrupted" };
      yield;
    }
  }

  /** The place behind the next instruction, or behind the time in which there is none. */
  #next(): number {
    const { place, machine } = this.#journey;
    if (this.#board.nextHart() !== null || machine.isAtEndOfRun) return place + 1;
    const { idleUntil } = this.#board.run(this.#board.progress());
    const woken = machine.zeroOfRun + (idleUntil ?? 0);
    return Math.min(Math.max(place + 1, woken), this.end);
  }

  #lookAhead(): { readonly hart: number; readonly range: WatchedRange } | undefined {
    if (this.#stops.traced.length === 0) return undefined;
    const hart = this.#board.nextHart();
    const range = hart === null ? undefined : nextWatched(this.#engine, hart, this.#stops);
    return hart === null || range === undefined ? undefined : { hart, range };
  }

  /** What the debugger stops for; undefined when it was a watch of the machine itself. */
  *#haltedAt({ stop, hart = 0 }: rv64.BoardRun): Sliced<Halted | undefined> {
    if (stop?.reason !== "watch") return { kind: "breakpoint", hart };
    const { place } = this.#journey;
    const range = yield* this.#rangeStoredAt(place - 1, hart);
    if (range !== undefined) return { kind: "watch", hart, range };
    yield* this.#journey.seek(place);
    this.#arm(this.#stops);
    return undefined;
  }

  /** Goes to a place, to see which watched range its instruction stores to. */
  *#rangeStoredAt(place: number, hart: number): Sliced<WatchedRange | undefined> {
    yield* this.#approach(place);
    yield* this.#settle();
    this.#arm(NO_STOPS);
    return nextWatched(this.#engine, hart, this.#stops);
  }

  *#back(goesOn: () => boolean, begin: number = this.begin): Sliced<Halted> {
    const journey = this.#journey;
    if (journey.place <= begin) return { kind: "begin" };
    let behind = journey.place;
    yield* this.#approach(behind - 1);
    for (;;) {
      const from = journey.checkpoints.placeBefore(behind - 1);
      yield* this.#approach(from);
      const found = yield* this.#lastStop(behind, goesOn);
      if (found === "interrupted") {
        yield* this.#approach(behind);
        return { kind: "interrupted" };
      }
      if (found === "dense") {
        yield* this.#approach(behind - 1);
        continue;
      }
      if (found !== "nothing") {
        const halted = yield* this.#haltBack(found);
        if (halted !== undefined) return halted;
      }
      behind = found === "nothing" ? from : journey.place;
      if (behind > begin) continue;
      yield* this.#approach(begin);
      return { kind: "begin" };
    }
  }

  *#approach(place: number): Sliced<void> {
    this.#arm(NO_STOPS);
    yield* this.#journey.seekBack(place);
  }

  /** To a stop found on the way; undefined, and before it, when it was none of the debugger's. */
  *#haltBack({ place, kind, hart, range }: FoundStop): Sliced<Halted | undefined> {
    if (kind === "breakpoint") {
      yield* this.#approach(place);
      yield* this.#settle();
      return { kind, hart };
    }
    const stored = range ?? (yield* this.#rangeStoredAt(place - 1, hart));
    if (stored !== undefined) {
      yield* this.#approach(place);
      return { kind, hart, range: stored };
    }
    const pc = this.register(hart, { kind: "pc" })!;
    return this.#stops.breakpoints.includes(pc) ? { kind: "breakpoint", hart } : undefined;
  }

  /** The last stop between here and `behind`. */
  *#lastStop(behind: number, goesOn: () => boolean): Sliced<Scanned> {
    const journey = this.#journey;
    this.#arm(this.#stops);
    let last: FoundStop | "nothing" = "nothing";
    let [stops, looks] = [0, 0];
    for (let over = false, traced = false; journey.place < behind;) {
      const ran: rv64.BoardRun | undefined = traced ? journey.pass() : journey.slice(behind, over);
      traced = ran?.stop?.reason === "trace" && journey.place < behind;
      const ahead = traced ? this.#lookAhead() : undefined;
      if (ahead !== undefined) last = { kind: "watch", place: journey.place + 1, ...ahead };
      over = ran?.stop?.reason === "breakpoint";
      if (ran?.reason === "debug" && !traced) {
        const hart = ran.hart ?? 0;
        last = over
          ? { kind: "breakpoint", place: journey.place, hart }
          : { kind: "watch", place: journey.place, hart };
        const left = behind - journey.place;
        if (++stops > DENSE_STOPS && left > SHORT_STRETCH) return "dense";
      }
      if (traced && ++looks % LOOKS !== 0) continue;
      if (!goesOn()) return "interrupted";
      if (stops === 0 || stops % DENSE_STOPS === 0) yield;
    }
    return last;
  }

  /** Before the last instruction that a hart executed. */
  *#stepBack(hart: number, goesOn: () => boolean): Sliced<Halted> {
    const journey = this.#journey;
    const { machine, checkpoints } = journey;
    if (journey.place <= this.begin) return { kind: "begin" };
    const stepped: Halted = { kind: "stepped", hart };
    const { run } = machine;
    const count = machine.executed(hart);
    const { place } = journey;
    yield* this.#approach(place - 1);
    if (machine.run !== run) return stepped;
    if (machine.executed(hart) < count) {
      const range =
        this.#stops.watched.length > 0 ? nextWatched(this.#engine, hart, this.#stops) : undefined;
      if (range === undefined) return stepped;
      yield* this.#approach(place);
      return { kind: "watch", hart, range };
    }
    const { beginOfRun } = machine;
    for (let behind = journey.place; behind > beginOfRun;) {
      if (!goesOn()) return { kind: "interrupted" };
      const from = checkpoints.placeBefore(behind - 1);
      yield* this.#approach(from);
      if (machine.executed(hart) < count) {
        yield* this.#lastBelow(hart, count, behind);
        return stepped;
      }
      behind = from;
    }
    if (beginOfRun === this.begin) return { kind: "begin" };
    yield* this.#approach(beginOfRun - 1);
    return stepped;
  }

  /** To the last place between here and `behind` at which a hart has executed less than `count`. */
  *#lastBelow(hart: number, count: bigint, behind: number): Sliced<void> {
    const journey = this.#journey;
    let [low, high] = [journey.place, behind];
    while (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2);
      yield* journey.seek(middle);
      if (journey.machine.executed(hart) >= count) high = middle;
      else {
        low = middle;
        if (journey.checkpoints.executedSince() > SHORT_STRETCH) journey.checkpoints.take();
      }
    }
    yield* journey.seek(low);
  }

  /** An interrupt that is taken before the next instruction is taken now, so that it is seen. */
  *#settle(): Sliced<void> {
    const { machine, place } = this.#journey;
    const hart = this.#board.nextHart();
    if (hart === null || place >= this.end || !takesInterrupt(this.#engine, hart)) return;
    machine.setStops(handlersOf(this.#engine, hart), []);
    machine.advance(place + 1);
    if (machine.place !== place) yield* this.#approach(place);
  }
}
