/**
 * The packet layer of GDB's remote serial protocol ("GDB manual", appendix E.1): `$data#checksum`, acknowledgements, escapes,
 * the interrupt byte. Payloads are strings of which each character is one byte. Must hold: whatever
 * arrives, in whatever pieces, no more than one packet of bounded length is held.
 */

/** Characters of a packet, frame aside. */
export const MOST_PACKET = 0x4000;

export type Received =
  | { readonly kind: "packet"; readonly payload: string }
  /** A packet that is damaged, or too long. */
  | { readonly kind: "damaged" }
  | { readonly kind: "acknowledged" | "refused" | "interrupt" };

const DOLLAR = 0x24;
const HASH = 0x23;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ESCAPE = 0x7d;
const STAR = 0x2a;
const INTERRUPT = 0x03;
const ESCAPE_BIT = 0x20;

export class PacketReader {
  /** Raw bytes of the packet that is arriving; undefined outside. */
  #body: number[] | undefined;
  /** The first digit of its checksum; null: not there yet; undefined: not before the end. */
  #digit: number | null | undefined;
  #isTooLong = false;

  push(bytes: Uint8Array): Received[] {
    const received: Received[] = [];
    for (const byte of bytes) {
      const event = this.#body === undefined ? this.#between(byte) : this.#within(byte);
      if (event !== undefined) received.push(event);
    }
    return received;
  }

  #between(byte: number): Received | undefined {
    switch (byte) {
      case DOLLAR:
        this.#begin();
        return undefined;
      case PLUS:
        return { kind: "acknowledged" };
      case MINUS:
        return { kind: "refused" };
      case INTERRUPT:
        return { kind: "interrupt" };
      default:
        return undefined;
    }
  }

  #begin(): void {
    this.#body = [];
    this.#digit = undefined;
    this.#isTooLong = false;
  }

  #within(byte: number): Received | undefined {
    if (this.#digit !== undefined) return this.#checksum(byte);
    if (byte === HASH) this.#digit = null;
    else if (byte === DOLLAR) this.#begin();
    else if (this.#body!.length < MOST_PACKET) this.#body!.push(byte);
    else this.#isTooLong = true;
    return undefined;
  }

  #checksum(byte: number): Received | undefined {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (this.#digit === null && !Number.isNaN(digit)) {
      this.#digit = digit;
      return undefined;
    }
    const body = this.#body!;
    const isWhole = !this.#isTooLong && checksum(body) === (this.#digit ?? NaN) * 16 + digit;
    this.#body = undefined;
    const payload = isWhole ? unescape(body) : undefined;
    return payload === undefined ? { kind: "damaged" } : { kind: "packet", payload };
  }
}

const checksum = (bytes: Iterable<number>): number => {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) & 0xff;
  return sum;
};

/** undefined when it ends in the middle of an escape. */
function unescape(body: readonly number[]): string | undefined {
  let text = "";
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!;
    if (byte !== ESCAPE) text += String.fromCharCode(byte);
    else if (++i < body.length) text += String.fromCharCode(body[i]! ^ ESCAPE_BIT);
    else return undefined;
  }
  return text;
}

/** The packet as it goes over the wire. */
export function frame(payload: string): Uint8Array {
  const body: number[] = [];
  for (let i = 0; i < payload.length; i++) {
    const byte = payload.charCodeAt(i) & 0xff;
    const isSpecial = byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR;
    if (isSpecial) body.push(ESCAPE, byte ^ ESCAPE_BIT);
    else body.push(byte);
  }
  const sum = checksum(body).toString(16).padStart(2, "0");
  return Uint8Array.from([DOLLAR, ...body, HASH, sum.charCodeAt(0), sum.charCodeAt(1)]);
}

export const ACKNOWLEDGE = Uint8Array.of(PLUS);
export const REFUSE = Uint8Array.of(MINUS);
