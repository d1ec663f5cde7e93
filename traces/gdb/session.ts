/**
 * One debugger at the other end of a stream: bytes in, bytes out. Packets are carried out one after
 * the other; during a long one the event loop has its turns, and an interrupt byte is heard.
 */
import { type Answer, Commands } from "./commands.ts";
import type { DebugTarget } from "../debugging/index.ts";
import { ACKNOWLEDGE, frame, PacketReader, type Received, REFUSE } from "./packets.ts";

/** A debugger waits for answers; who sends so many packets without is none. */
const MOST_WAITING = 64;

/** Packets that an interrupt is meant for. */
const MOVES = /^(vCont;|[cs]|b[cs]|qRcmd,)/;

export interface Wire {
  readonly send: (bytes: Uint8Array) => void;
  /** The session is over. */
  readonly close: () => void;
}

export class Session {
  readonly #commands: Commands;
  readonly #wire: Wire;
  readonly #reader = new PacketReader();
  #waiting: string[] = [];
  #acknowledges = true;
  #last: Uint8Array | undefined;
  #isInterrupted = false;
  #isOpen = true;
  #isBusy = false;
  #packets = 0;

  constructor(target: DebugTarget, wire: Wire) {
    this.#commands = new Commands(target);
    this.#wire = wire;
  }

  /** Packets carried out. */
  get packets(): number {
    return this.#packets;
  }

  /** Resolves when everything that came so far is carried out; rejects when the recording does not fit. */
  async receive(bytes: Uint8Array): Promise<void> {
    if (!this.#isOpen) return;
    for (const received of this.#reader.push(bytes)) this.#take(received);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#work();
    } finally {
      this.#isBusy = false;
    }
  }

  /** What is under way ends soon, without an answer. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#commands.close();
    this.#wire.close();
  }

  #take(received: Received): void {
    switch (received.kind) {
      case "interrupt":
        this.#isInterrupted = this.#isBusy || this.#waiting.length > 0;
        break;
      case "refused":
        if (this.#acknowledges && this.#last !== undefined) this.#wire.send(this.#last);
        break;
      case "damaged":
        if (this.#acknowledges) this.#wire.send(REFUSE);
        break;
      case "packet":
        if (this.#acknowledges) this.#wire.send(ACKNOWLEDGE);
        this.#waiting.push(received.payload);
        if (this.#waiting.length > MOST_WAITING) this.end();
    }
  }

  async #work(): Promise<void> {
    while (this.#isOpen && this.#waiting.length > 0) {
      const packet = this.#waiting.shift()!;
      const answer = await this.#answer(packet);
      if (MOVES.test(packet)) this.#isInterrupted = false;
      this.#packets++;
      if (!this.#isOpen) return;
      if (packet !== "k") this.#send(answer.text);
      if (answer.noAcknowledgements === true) this.#acknowledges = false;
      if (answer.ends === true) this.end();
    }
  }

  async #answer(packet: string): Promise<Answer> {
    const goesOn = (): boolean => this.#isOpen && !this.#isInterrupted;
    const work = this.#commands.answer(packet, goesOn);
    for (;;) {
      const { done, value } = work.next();
      if (done === true) return value;
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.#isOpen) return { text: "" };
    }
  }

  #send(text: string): void {
    this.#last = frame(text);
    this.#wire.send(this.#last);
  }
}
