/**
 * The packets of a debugger and their answers ("GDB manual", E.2 and E.4), for a machine that cannot be changed. A
 * packet that is not known gets the empty answer; one that makes no sense gets an error.
 */
import type { DebugTarget, Direction, Halted } from "../debugging/index.ts";
import { monitor } from "./monitor.ts";
import { MOST_PACKET } from "./packets.ts";
import type { Sliced } from "../replaying/sliced.ts";
import { StopList } from "./stop-list.ts";
import { stopReply, threadOf } from "./stop-reply.ts";
import { describeTarget, type Register, type TargetDescription } from "./target-description.ts";
import { hexOf, hexOfText, hexOfWord, parseAddress, parseSize, textOfHex } from "./words.ts";

/** The answer; `ends`: it was the last one. */
export interface Answer {
  readonly text: string;
  readonly ends?: boolean;
  /** From now on nothing is acknowledged. */
  readonly noAcknowledgements?: boolean;
}

type Handler = (rest: string, goesOn: () => boolean) => Sliced<Answer | string> | Answer | string;

const READ_ONLY = "E.this is a recording: nothing in it can be changed";
const BAD = "E01";
const UNREADABLE = "E14";
const MOST_READ = (MOST_PACKET - 64) / 2;
const FEATURES = [
  `PacketSize=${(MOST_PACKET - 16).toString(16)}`,
  "QStartNoAckMode+",
  "ReverseStep+",
  "ReverseContinue+",
  "qXfer:features:read+",
  "swbreak+",
  "hwbreak+",
  "vContSupported+",
].join(";");

export class Commands {
  readonly #target: DebugTarget;
  readonly #description: TargetDescription;
  readonly #stops: StopList;
  #halted: Halted;
  /** Hart that registers and memory are read for, and the one that steps; undefined: where it stopped. */
  #reads: number | undefined;
  #steps: number | undefined;
  #tellsBreaks = false;
  /** Longest names first, so that the first one that fits is meant. */
  readonly #handlers: readonly (readonly [string, Handler])[];

  constructor(target: DebugTarget) {
    this.#target = target;
    this.#description = describeTarget(target);
    this.#stops = new StopList(target);
    this.#halted = { kind: "stepped", hart: target.hart() };
    this.#handlers = Object.entries(this.#table()).sort(([a], [b]) => b.length - a.length);
  }

  /** Carries a packet out. */
  *answer(packet: string, goesOn: () => boolean): Sliced<Answer> {
    const found = this.#handlers.find(([name]) => packet.startsWith(name));
    if (found === undefined) return { text: "" };
    const [name, handle] = found;
    const handled = handle(packet.slice(name.length), goesOn);
    const isSliced = typeof handled === "object" && "next" in handled;
    const answer = isSliced ? yield* handled : handled;
    return typeof answer === "string" ? { text: answer } : answer;
  }

  #table(): { readonly [name: string]: Handler } {
    const ok = (): string => "OK";
    const readOnly = (): string => READ_ONLY;
    return {
      "?": () => this.#stopReply(),
      qSupported: (rest) => this.#supported(rest),
      QStartNoAckMode: () => ({ text: "OK", noAcknowledgements: true }),
      "qXfer:features:read:": (rest) => this.#features(rest),
      qAttached: () => "1",
      qC: (rest) => (rest === "" ? `QC${threadOf(this.#halt())}` : ""),
      qfThreadInfo: () => `m${this.#threads().join(",")}`,
      qsThreadInfo: () => "l",
      "qThreadExtraInfo,": (rest) => this.#threadInfo(rest),
      "qSymbol:": ok,
      "qRcmd,": (rest, goesOn) => this.#monitor(rest, goesOn),
      H: (rest) => this.#select(rest),
      T: (rest) => (this.#hartOf(rest) === undefined ? BAD : "OK"),
      g: () => this.#description.registers.map((register) => this.#read(register)).join(""),
      p: (rest) => this.#readOne(rest),
      m: (rest) => this.#memory(rest),
      G: readOnly,
      P: readOnly,
      M: readOnly,
      X: (rest) => (/^[0-9a-fA-F]+,0+:$/.test(rest) ? "OK" : READ_ONLY),
      Z: (rest) => this.#stops.change(true, rest, this.#readHart()),
      z: (rest) => this.#stops.change(false, rest, this.#readHart()),
      "vCont?": () => "vCont;c;C;s;S",
      "vCont;": (rest, goesOn) => this.#vCont(rest, goesOn),
      c: (rest, goesOn) => (rest === "" ? this.#move("forward", null, goesOn) : BAD),
      s: (rest, goesOn) => (rest === "" ? this.#move("forward", this.#stepHart(), goesOn) : BAD),
      bc: (rest, goesOn) => (rest === "" ? this.#move("backward", null, goesOn) : ""),
      bs: (rest, goesOn) => (rest === "" ? this.#move("backward", this.#stepHart(), goesOn) : ""),
      D: () => ({ text: "OK", ends: true }),
      k: () => ({ text: "", ends: true }),
      "vKill;": () => ({ text: "OK", ends: true }),
    };
  }

  #halt(): number {
    return "hart" in this.#halted ? this.#halted.hart : this.#target.hart();
  }

  #readHart(): number {
    return this.#reads ?? this.#halt();
  }

  /** Going backwards, gdb names the thread that it shows, not the one that steps. */
  #stepHart(): number {
    return this.#steps ?? this.#readHart();
  }

  *#move(
    direction: Direction,
    step: number | null,
    goesOn: () => boolean,
    only?: number,
  ): Sliced<string> {
    this.#halted = yield* this.#target.move(direction, step, goesOn, only);
    this.#reads = undefined;
    return this.#stopReply();
  }

  #stopReply(): string {
    const { kind } = this.#halted;
    if (kind !== "breakpoint" || !this.#tellsBreaks) {
      return stopReply(this.#target, this.#halted, null);
    }
    const pc = this.#target.register(this.#halt(), { kind: "pc" });
    return stopReply(this.#target, this.#halted, this.#stops.wordAt(pc!));
  }

  /**
   * The first action that lets one thread step decides; else all go on. Where gdb lets a single one go on, to
   * pass a breakpoint, the others do run, as they did, but stop at none.
   */
  #vCont(rest: string, goesOn: () => boolean): Sliced<string> | string {
    let only: number | undefined;
    for (const action of rest.split(";")) {
      const [, verb, thread] = /^([cCsS])(?:[0-9a-fA-F]{2})?(?::(.*))?$/s.exec(action) ?? [];
      if (verb === undefined) return BAD;
      const isAny = thread === undefined || thread === "-1";
      const hart = isAny ? this.#stepHart() : this.#hartOf(thread);
      if (hart === undefined) return BAD;
      if (verb === "s" || verb === "S") return this.#move("forward", hart, goesOn);
      only = isAny || rest.includes(";") ? undefined : hart;
    }
    return this.#move("forward", null, goesOn, only);
  }

  #supported(rest: string): string {
    this.#tellsBreaks = rest.split(/[:;]/).includes("swbreak+");
    return FEATURES;
  }

  #features(rest: string): string {
    const [, from, most] = /^target\.xml:([^,]*),(.*)$/s.exec(rest) ?? [];
    const offset = parseSize(from);
    const length = parseSize(most);
    if (offset === undefined || length === undefined) return "E00";
    const { xml } = this.#description;
    const part = xml.slice(offset, offset + Math.min(length, MOST_READ));
    return (offset + part.length < xml.length ? "m" : "l") + part;
  }

  #threads(): string[] {
    return Array.from({ length: this.#target.harts }, (_, hart) => threadOf(hart));
  }

  /** The hart of a thread id; 0 and -1 stand for any. */
  #hartOf(thread: string): number | undefined {
    if (thread === "0" || thread === "-1") return this.#halt();
    const number = parseSize(thread) ?? 0;
    return number >= 1 && number <= this.#target.harts ? number - 1 : undefined;
  }

  #threadInfo(rest: string): string {
    const hart = this.#hartOf(rest);
    return hart === undefined ? BAD : hexOfText(`hart ${hart}`);
  }

  #select(rest: string): string {
    const hart = this.#hartOf(rest.slice(1));
    if (hart === undefined) return BAD;
    const isAny = rest.slice(1) === "0" || rest.slice(1) === "-1";
    if (rest.startsWith("g")) this.#reads = isAny ? undefined : hart;
    else if (rest.startsWith("c")) this.#steps = isAny ? undefined : hart;
    else return BAD;
    return "OK";
  }

  #read({ source, bytes }: Register): string {
    return hexOfWord(this.#target.register(this.#readHart(), source), bytes);
  }

  #readOne(rest: string): string {
    const register = this.#description.registers[parseSize(rest) ?? -1];
    return register === undefined ? BAD : this.#read(register);
  }

  #memory(rest: string): string {
    const [at, size, ...more] = rest.split(",");
    const address = parseAddress(at);
    const length = parseSize(size);
    if (address === undefined || length === undefined || more.length > 0) return BAD;
    const bytes = this.#target.read(this.#readHart(), address, Math.min(length, MOST_READ));
    return bytes.length === 0 && length > 0 ? UNREADABLE : hexOf(bytes);
  }

  *#monitor(rest: string, goesOn: () => boolean): Sliced<string> {
    const command = textOfHex(rest);
    if (command === undefined) return BAD;
    const place = this.#target.place();
    const text = yield* monitor(this.#target, command, goesOn);
    if (this.#target.place() !== place) {
      this.#halted = { kind: "stepped", hart: this.#target.hart() };
      this.#reads = undefined;
    }
    return hexOfText(text);
  }

  /** Nothing is inserted any more. */
  close(): void {
    this.#stops.clear();
  }
}
