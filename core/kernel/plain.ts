/**
 * Plain data: what state, messages and documents are made of. It can be copied, compared, hashed
 * and written to a trace without loss. `undefined` members count as absent; byte arrays are
 * immutable by convention: replace them, never write into them.
 */

export type Plain =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };

export type PlainObject = { readonly [key: string]: Plain | undefined };

/** Removes `readonly` at every depth: what `edit` hands out. */
export type Editable<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? Editable<E>[]
    : T extends object
      ? { -readonly [K in keyof T]: Editable<T[K]> }
      : T;

/** A deep copy that shares byte arrays. */
export function clonePlain<T>(value: T): T {
  return typeof value === "object" && value !== null ? (cloneObject(value) as T) : value;
}

/** Called for objects alone: most members are none, and a call for each would cost the most. */
function cloneObject(value: object): unknown {
  if (Array.isArray(value)) {
    const copy = value.slice() as unknown[];
    for (let at = 0; at < copy.length; at++) {
      const element = copy[at];
      if (typeof element === "object" && element !== null) copy[at] = cloneObject(element);
    }
    return copy;
  }
  if (value instanceof Uint8Array) return value;
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    copy[key] = typeof member === "object" && member !== null ? cloneObject(member) : member;
  }
  return copy;
}

/** Deep equality of plain data; absent and `undefined` members are the same. */
export function equalPlain(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return a !== a && b !== b;
  }
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    if (!(a instanceof Uint8Array && b instanceof Uint8Array) || a.length !== b.length)
      return false;
    return a.every((byte, i) => byte === b[i]);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!(Array.isArray(a) && Array.isArray(b)) || a.length !== b.length) return false;
    return a.every((element, i) => equalPlain(element, b[i]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!equalPlain(left[key], right[key])) return false;
  for (const key in right) if (left[key] === undefined && right[key] !== undefined) return false;
  return true;
}
