/** Plain data as bytes: the device state in a checkpoint file. Byte arrays are written in hex. */
import type { Plain } from "../../kernel/index.ts";
import { bad, type Checked, sound } from "./problem.ts";

/** The one member of what stands for a byte array. */
const BYTES = "$bytes";

export function bytesOfPlain(value: Plain): Uint8Array {
  const text = JSON.stringify(value, (_key, each: unknown) =>
    each instanceof Uint8Array ? { [BYTES]: hexOf(each) } : each,
  );
  return new TextEncoder().encode(text);
}

export function plainOfBytes(bytes: Uint8Array): Checked<Plain> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return sound(JSON.parse(text, (_key, each: unknown) => revived(each)) as Plain);
  } catch {
    return bad("damaged", "the device state is no state");
  }
}

function revived(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const hex = (value as { readonly [BYTES]?: unknown })[BYTES];
  return typeof hex === "string" ? bytesOfHex(hex) : value;
}

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

function bytesOfHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
