// Walks msgpack bytes without building anything and says what is wrong with them. A trace is
// hostile: a header of five bytes may claim four billion elements, maps may carry `__proto__`,
// nesting may exhaust the stack. What passes here takes memory in proportion to its length.
import { limits } from "./layout.mjs";

const encoder = new TextEncoder();
const forbiddenKeys = ["__proto__", "constructor", "prototype"].map((key) => encoder.encode(key));

function isForbidden(bytes: Uint8Array, start: number, length: number): boolean {
  // Asked for every key: most are told apart by their length.
  for (const key of forbiddenKeys) {
    if (key.length === length && key.every((byte, index) => bytes[start + index] === byte)) {
      return true;
    }
  }
  return false;
}

/** What one type byte announces. Sizes are read from the `width` bytes after it. */
type Token =
  | { readonly is: "fixed"; readonly bytes: number }
  | { readonly is: "text" | "binary" | "array" | "map"; readonly size: number }
  | {
      readonly is: "sized";
      readonly of: "text" | "binary" | "array" | "map";
      readonly width: number;
    }
  | { readonly is: "refused"; readonly why: string };

const fixed = (bytes: number): Token => ({ is: "fixed", bytes });
const sized = (of: "text" | "binary" | "array" | "map", width: number): Token => ({
  is: "sized",
  of,
  width,
});

function tokenOf(byte: number): Token {
  if (byte <= 0x7f || byte >= 0xe0) return fixed(0);
  if (byte <= 0x8f) return { is: "map", size: byte & 15 };
  if (byte <= 0x9f) return { is: "array", size: byte & 15 };
  if (byte <= 0xbf) return { is: "text", size: byte & 31 };
  if (byte === 0xc0 || byte === 0xc2 || byte === 0xc3) return fixed(0);
  if (byte >= 0xc4 && byte <= 0xc6) return sized("binary", 1 << (byte - 0xc4));
  if (byte === 0xca) return fixed(4);
  if (byte === 0xcb) return fixed(8);
  if (byte >= 0xcc && byte <= 0xcf) return fixed(1 << (byte - 0xcc));
  if (byte >= 0xd0 && byte <= 0xd3) return fixed(1 << (byte - 0xd0));
  if (byte >= 0xd9 && byte <= 0xdb) return sized("text", 1 << (byte - 0xd9));
  if (byte === 0xdc || byte === 0xdd) return sized("array", 2 << (byte - 0xdc));
  if (byte === 0xde || byte === 0xdf) return sized("map", 2 << (byte - 0xde));
  return { is: "refused", why: byte === 0xc1 ? "an unused type byte" : "an extension type" };
}

const tokens: readonly Token[] = Array.from({ length: 256 }, (_, byte) => tokenOf(byte));

function bigEndian(bytes: Uint8Array, start: number, width: number): number {
  let value = 0;
  for (let index = 0; index < width; index++) value = value * 256 + bytes[start + index]!;
  return value;
}

/**
 * Undefined when `bytes` are exactly one msgpack value of plain data: nil, booleans, numbers,
 * strings, binary, arrays, and maps with string keys, nested at most `limits.plainDepth` deep.
 * Otherwise what is wrong, for people.
 */
export function plainProblem(bytes: Uint8Array): string | undefined {
  // A frame per open container: values still to come, and whether it is a map. In a map, an even
  // number to come means that a key is next. `owed` is the sum: each needs a byte at least.
  const open: number[] = [1];
  const maps: boolean[] = [false];
  let owed = 1;
  let at = 0;
  while (owed > 0) {
    while (open.at(-1) === 0) {
      open.pop();
      maps.pop();
    }
    const top = open.length - 1;
    const keyNext = maps[top] === true && open[top]! % 2 === 0;
    open[top]!--;
    owed--;
    if (at >= bytes.length) return "cut short";
    const token = tokens[bytes[at++]!]!;
    if (token.is === "refused") return token.why;
    if (token.is === "fixed") {
      if (keyNext) return "a key that is no string";
      at += token.bytes;
      continue;
    }
    let size: number;
    let what: "text" | "binary" | "array" | "map";
    if (token.is === "sized") {
      if (at + token.width > bytes.length) return "cut short";
      size = bigEndian(bytes, at, token.width);
      at += token.width;
      what = token.of;
    } else {
      size = token.size;
      what = token.is;
    }
    if (keyNext) {
      if (what !== "text") return "a key that is no string";
      if (size > limits.keyBytes) return `a key of ${size} bytes`;
      if (isForbidden(bytes, at, size)) return "a key that names an object's prototype";
    }
    if (what === "text" || what === "binary") {
      at += size;
    } else {
      const values = what === "map" ? size * 2 : size;
      owed += values;
      if (open.length > limits.plainDepth) return `nested deeper than ${limits.plainDepth}`;
      open.push(values);
      maps.push(what === "map");
    }
    if (owed > bytes.length - at) return "cut short";
  }
  return at === bytes.length ? undefined : at > bytes.length ? "cut short" : "bytes after its end";
}
