/** Numbers and bytes as GDB's packets spell them: hexadecimal, registers and memory lowest byte first. */

/** undefined unless it is 1 to 16 hexadecimal digits. */
export const parseAddress = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^[0-9a-fA-F]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;

/** undefined unless it is 1 to 8 hexadecimal digits. */
export const parseSize = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9a-fA-F]{1,8}$/.test(text) ? Number.parseInt(text, 16) : undefined;

export function hexOf(bytes: Iterable<number>): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** A register; null: there is no value. */
export function hexOfWord(value: bigint | null, bytes: number): string {
  if (value === null) return "xx".repeat(bytes);
  let text = "";
  for (let i = 0; i < bytes; i++) {
    text += Number((value >> BigInt(8 * i)) & 0xffn)
      .toString(16)
      .padStart(2, "0");
  }
  return text;
}

export const hexOfText = (text: string): string => hexOf(new TextEncoder().encode(text));

/** undefined when it is not hexadecimal. */
export function textOfHex(hex: string): string | undefined {
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) return undefined;
  const bytes = hex.match(/../g) ?? [];
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
}
