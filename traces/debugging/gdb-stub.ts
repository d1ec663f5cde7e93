/**
 * The GDB remote stub: packets in, packets out, over a debugger on a recorded machine. A recording
 * cannot be changed, so writes are refused. Harts are threads, numbered from 1. Must hold: no packet,
 * however malformed, does more than get an error or an empty answer.
 */
import { rv64 } from "../../core/guest/index.ts";
import { timeOf } from "../../core/vmm/index.ts";
import type { Timeline } from "../replaying/timeline.ts";
import type { Debugger, Halted } from "./debugger.ts";
import { hexOf, hexOfWord, MOST_PACKET } from "./gdb-packets.ts";
import { GENERAL_REGISTERS, readRegister, TARGET_XML } from "./gdb-target.ts";

const FEATURES = [
  `PacketSize=${MOST_PACKET.toString(16)}`,
  "qXfer:features:read+",
  "QStartNoAckMode+",
  "ReverseStep+",
  "ReverseContinue+",
];
const ERROR = "E01";
const OK = "OK";
const UNSUPPORTED = "";
const SIGTRAP = 5;
const SIGINT = 2;
const MOST_MEMORY = (MOST_PACKET - 8) / 2;

export class GdbStub {
  readonly #debugger: Debugger;
  readonly #timeline: Timeline;
  readonly #instructionsPerSecond: number;
  /** Asked in between whether the other side wants a stop. */
  readonly #isInterrupted: () => Promise<boolean>;
  #hart = 0;
  /** Acknowledgements are still sent. */
  acknowledges = true;
  /** The other side has gone. */
  isOver = false;

  constructor(
    debugged: Debugger,
    timeline: Timeline,
    instructionsPerSecond: number,
    isInterrupted: () => Promise<boolean>,
  ) {
    this.#debugger = debugged;
    this.#timeline = timeline;
    this.#instructionsPerSecond = instructionsPerSecond;
    this.#isInterrupted = isInterrupted;
  }

  /** The answer to a packet; undefined: none is sent. */
  async answer(packet: string): Promise<string | undefined> {
    const rest = packet.slice(1);
    switch (packet[0]) {
      case "?":
        return this.#stopReply({ reason: "step", hart: this.#hart });
      case "g":
        return this.#generalRegisters();
      case "p":
        return this.#register(rest);
      case "m":
        return this.#memory(rest);
      case "G":
      case "P":
      case "M":
      case "X":
        return ERROR;
      case "Z":
        return this.#setPoint(rest, true);
      case "z":
        return this.#setPoint(rest, false);
      case "H":
        return this.#chooseHart(rest);
      case "T":
        return this.#hartOf(rest) === undefined ? ERROR : OK;
      case "D":
        this.isOver = true;
        return OK;
      case "k":
        this.isOver = true;
        return undefined;
      case "q":
      case "Q":
        return this.#query(packet);
      default:
        return this.#resume(packet);
    }
  }

  get #engine(): rv64.Engine {
    return this.#debugger.machine.engine;
  }

  async #resume(packet: string): Promise<string> {
    // vCont: what it says of the first thread counts; the others follow, as they did when recorded.
    const action = packet.startsWith("vCont;") ? packet.slice("vCont;".length) : packet;
    const thread = /^[cCsS][0-9a-f]{0,2}:([0-9a-f]+)/.exec(action)?.[1];
    if (thread !== undefined) this.#hart = this.#hartOf(thread) ?? this.#hart;
    if (packet === "vCont?") return "vCont;c;C;s;S";
    if (packet === "bs") return this.#stopReply(this.#debugger.stepBack(this.#hart));
    if (packet === "bc") {
      return this.#stopReply(await this.#debugger.continueBack(this.#hart, this.#isInterrupted));
    }
    if (/^[sS]([0-9a-f]{2})?(:|;|$)/.test(action)) {
      return this.#stopReply(this.#debugger.step(this.#hart));
    }
    if (/^[cC]([0-9a-f]{2})?(:|;|$)/.test(action)) {
      return this.#stopReply(await this.#debugger.continue(this.#hart, this.#isInterrupted));
    }
    return UNSUPPORTED;
  }

  #stopReply(halted: Halted): string {
    this.#hart = halted.hart;
    const signal = (halted.reason === "interrupted" ? SIGINT : SIGTRAP)
      .toString(16)
      .padStart(2, "0");
    const thread = `thread:${halted.hart + 1};`;
    if (halted.reason === "watch")
      return `T${signal}watch:${halted.address.toString(16)};${thread}`;
    const isEdge = halted.reason === "begin" || halted.reason === "end";
    return `T${signal}${isEdge ? `replaylog:${halted.reason};` : ""}${thread}`;
  }

  #generalRegisters(): string {
    let text = "";
    for (let number = 0; number < GENERAL_REGISTERS; number++) {
      text += hexOfWord(readRegister(this.#engine, this.#hart, number)!.value);
    }
    return text;
  }

  #register(rest: string): string {
    const number = hexNumber(rest, 4);
    const found = number === undefined ? undefined : readRegister(this.#engine, this.#hart, number);
    if (found === undefined) return ERROR;
    return hexOfWord(found.value).slice(0, found.bits / 4);
  }

  #memory(rest: string): string {
    const [, start = "", length = ""] = /^([0-9a-f]{1,16}),([0-9a-f]{1,8})$/i.exec(rest) ?? [];
    if (start === "") return ERROR;
    const count = Math.min(parseInt(length, 16), MOST_MEMORY);
    const bytes = rv64.bytesAt({ engine: this.#engine }, BigInt(`0x${start}`), count, (address) =>
      this.#debugger.physical(this.#hart, address),
    );
    return bytes.length === 0 && count > 0 ? ERROR : hexOf(bytes);
  }

  #setPoint(rest: string, isSet: boolean): string {
    const [, kind, start = "", length = ""] =
      /^([0-4]),([0-9a-f]{1,16}),([0-9a-f]{1,8})(;|$)/i.exec(rest) ?? [];
    if (kind === undefined) return ERROR;
    const address = BigInt(`0x${start}`);
    const bytes = parseInt(length, 16);
    if (kind === "0" || kind === "1") {
      if (!isSet) this.#debugger.removeBreakpoint(address);
      return !isSet || this.#debugger.addBreakpoint(address) ? OK : ERROR;
    }
    // Reads cannot be watched.
    if (kind !== "2") return UNSUPPORTED;
    if (!isSet) this.#debugger.removeWatch(address, bytes);
    return !isSet || this.#debugger.addWatch(this.#hart, address, bytes) ? OK : ERROR;
  }

  #chooseHart(rest: string): string {
    const hart = this.#hartOf(rest.slice(1));
    if (hart === undefined) return ERROR;
    this.#hart = hart;
    return OK;
  }

  /** By thread number; 0 and -1 mean any. */
  #hartOf(text: string): number | undefined {
    if (text === "0" || text === "-1") return this.#hart;
    const thread = hexNumber(text, 2);
    return thread === undefined || thread < 1 || thread > this.#engine.harts
      ? undefined
      : thread - 1;
  }

  #query(packet: string): string {
    if (packet.startsWith("qSupported")) return FEATURES.join(";");
    if (packet === "QStartNoAckMode") {
      this.acknowledges = false;
      return OK;
    }
    if (packet === "qC") return `QC${this.#hart + 1}`;
    if (packet === "qAttached") return "1";
    if (packet === "qfThreadInfo") {
      return `m${Array.from({ length: this.#engine.harts }, (_, hart) => hart + 1).join(",")}`;
    }
    if (packet === "qsThreadInfo") return "l";
    if (packet.startsWith("qSymbol")) return OK;
    if (packet.startsWith("qRcmd,")) return this.#monitor(packet.slice("qRcmd,".length));
    const [, offset, length] =
      /^qXfer:features:read:target\.xml:([0-9a-f]{1,8}),([0-9a-f]{1,8})$/.exec(packet) ?? [];
    if (offset === undefined) return UNSUPPORTED;
    const from = parseInt(offset, 16);
    const piece = TARGET_XML.slice(from, from + Math.min(parseInt(length!, 16), MOST_MEMORY));
    return (from + piece.length < TARGET_XML.length ? "m" : "l") + piece;
  }

  /** `monitor when`: where this is in the run. `monitor seek N`: to progress N. */
  #monitor(hex: string): string {
    const say = (text: string): string => hexOf(new TextEncoder().encode(`${text}\n`));
    if (!/^([0-9a-f]{2})*$/i.test(hex)) return ERROR;
    const bytes = hex.match(/../g)?.map((each) => parseInt(each, 16)) ?? [];
    const [command, argument = ""] = String.fromCharCode(...bytes)
      .trim()
      .split(/\s+/);
    const { machine } = this.#debugger;
    if (command === "when") return say(this.#when());
    if (command === "seek" && /^\d{1,15}$/.test(argument)) {
      machine.seek(Number(argument));
      return say(this.#when());
    }
    return say("monitor when | monitor seek PROGRESS");
  }

  #when(): string {
    const { machine } = this.#debugger;
    const { progress } = machine;
    const retired = Array.from({ length: this.#engine.harts }, (_, hart) =>
      Number(
        this.#engine.word(hart, rv64.layout.HART_PROGRESS) -
          this.#engine.word(hart, rv64.layout.HART_TRAPPED),
      ),
    );
    const { event, timeNs } = this.#momentOf(progress);
    const counts = retired.map((count, hart) => `hart ${hart} retired ${count}`).join(", ");
    return `event ${event}, ${timeNs} ns, progress ${progress} of ${machine.end}, ${counts}`;
  }

  /** The instant at which the machine was here, and the last event before it. */
  #momentOf(progress: number): { readonly event: number; readonly timeNs: number } {
    const { machine } = this.#debugger;
    const timeline = this.#timeline;
    let clock = machine.clockNear(progress);
    for (let tries = 0; ; tries++) {
      const timeNs = timeOf(clock, this.#instructionsPerSecond, progress);
      timeline.seekTime(timeNs);
      const now = machine.clockIn(timeline.world);
      const isSame =
        now === undefined || (now.sinceNs === clock.sinceNs && now.from === clock.from);
      if (isSame || tries >= 4) return { event: timeline.event, timeNs };
      clock = now;
    }
  }
}

/** Of at most so many digits; undefined when it is no such number. */
function hexNumber(text: string, digits: number): number | undefined {
  return text.length <= digits && /^[0-9a-f]+$/i.test(text) ? parseInt(text, 16) : undefined;
}
