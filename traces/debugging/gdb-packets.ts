/**
 * Packets of the GDB remote serial protocol (GDB manual, appendix E): `$data#checksum`, with
 * acknowledgements until both sides do without. Must hold: whatever bytes arrive, the reader stays
 * bounded and goes on with the next packet.
 */

export type GdbToken =
  | { readonly kind: "packet"; readonly text: string }
  | { readonly kind: "damaged" }
  | { readonly kind: "interrupt" }
  | { readonly kind: "ack" }
  | { readonly kind: "nack" };

/** Longest data of a packet that is taken; told to the other side in hexadecimal. */
export const MOST_PACKET = 0x4000;

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const ESCAPED_BY = 0x20;
const INTERRUPT = 3;

export class GdbReader {
  #data: number[] | undefined;
  #isTooLong = false;
  #checksum: number[] | undefined;

  /** What the bytes complete. */
  take(bytes: Uint8Array): GdbToken[] {
    const tokens: GdbToken[] = [];
    for (const byte of bytes) {
      const token = this.#takeByte(byte);
      if (token !== undefined) tokens.push(token);
    }
    return tokens;
  }

  #takeByte(byte: number): GdbToken | undefined {
    if (this.#checksum !== undefined) {
      this.#checksum.push(byte);
      return this.#checksum.length === 2 ? this.#finish() : undefined;
    }
    if (byte === DOLLAR) {
      this.#data = [];
      this.#isTooLong = false;
      return undefined;
    }
    if (this.#data === undefined) return outside(byte);
    if (byte === HASH) this.#checksum = [];
    else if (this.#data.length < MOST_PACKET) this.#data.push(byte);
    else this.#isTooLong = true;
    return undefined;
  }

  #finish(): GdbToken {
    const data = this.#data!;
    const given = String.fromCharCode(...this.#checksum!);
    this.#data = undefined;
    this.#checksum = undefined;
    const isGood = /^[0-9a-fA-F]{2}$/.test(given) && parseInt(given, 16) === checksumOf(data);
    if (!isGood || this.#isTooLong) return { kind: "damaged" };
    const text: string[] = [];
    for (let i = 0; i < data.length; i++) {
      const byte = data[i] === ESCAPE ? (data[++i] ?? 0) ^ ESCAPED_BY : data[i]!;
      text.push(String.fromCharCode(byte));
    }
    return { kind: "packet", text: text.join("") };
  }
}

function outside(byte: number): GdbToken | undefined {
  if (byte === INTERRUPT) return { kind: "interrupt" };
  if (byte === 0x2b) return { kind: "ack" };
  return byte === 0x2d ? { kind: "nack" } : undefined;
}

const checksumOf = (data: readonly number[]): number =>
  data.reduce((sum, byte) => (sum + byte) & 255, 0);

/** The bytes of a packet with this text (one byte a character). */
export function gdbPacket(text: string): string {
  const escaped = text.replace(
    /[#$}*]/g,
    (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ ESCAPED_BY)}`,
  );
  const sum = checksumOf(Array.from(escaped, (character) => character.charCodeAt(0)));
  return `$${escaped}#${sum.toString(16).padStart(2, "0")}`;
}

export const hexOf = (bytes: Iterable<number>): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A 64-bit register as gdb wants it: its bytes, lowest first. */
export function hexOfWord(value: bigint): string {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return hexOf(bytes);
}
