// Plain data to msgpack and back. Decoding holds against hostile bytes (plain-check.ts); encoding
// passes the same check, so nothing is written that could not be read back.
// msgpack itself turns -0 into 0; members that are undefined are left out, as they are when hashed.
import assert from "node:assert";
import { Decoder, Encoder } from "@msgpack/msgpack";
import { plainProblem } from "./plain-check.ts";

export type Plain =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain };

export type PlainMap = { readonly [key: string]: Plain };

export type PlainResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

// One of each for the thread: both are ten times slower when made per call, and neither keeps
// anything of a value after the call.
const encoder = new Encoder({ maxDepth: 1000, ignoreUndefined: true });
const decoder = new Decoder();

/** msgpack of `value`, in a buffer of its own. Asserts that `decodePlain` will accept it. */
export function encodePlain(value: Plain): Uint8Array {
  const bytes = encoder.encode(value);
  const problem = plainProblem(bytes);
  assert(problem === undefined, `this cannot be written to a trace: ${problem}`);
  return bytes;
}

export function decodePlain(bytes: Uint8Array): PlainResult<Plain> {
  const problem = plainProblem(bytes);
  if (problem !== undefined) return { ok: false, message: problem };
  try {
    return { ok: true, value: decoder.decode(bytes) as Plain };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

export function decodePlainMap(bytes: Uint8Array): PlainResult<PlainMap> {
  const result = decodePlain(bytes);
  if (!result.ok) return result;
  const { value } = result;
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) {
    return { ok: false, message: "no map" };
  }
  if (Array.isArray(value)) return { ok: false, message: "no map" };
  return { ok: true, value: value as PlainMap };
}
