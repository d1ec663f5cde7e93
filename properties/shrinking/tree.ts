/** Edits of plain documents by path: what a shrinker takes away or makes smaller. */
import type { JsonValue } from "../../scenarios/index.ts";

export type Path = readonly (string | number)[];
type Members = { readonly [member: string]: JsonValue };

const isMembers = (value: JsonValue | undefined): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function at(document: JsonValue, path: Path): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as { readonly [part: string | number]: JsonValue })[part];
  }
  return value;
}

/** A copy in which `change` was applied at `path`; undefined takes the member away. */
export function withChange(
  value: JsonValue,
  path: Path,
  change: (old: JsonValue) => JsonValue | undefined,
): JsonValue {
  const [first, ...rest] = path;
  if (first === undefined) return change(value) ?? null;
  if (Array.isArray(value)) {
    const copy = [...(value as readonly JsonValue[])];
    const next = changedPart(copy[first as number]!, rest, change);
    if (next === undefined) copy.splice(first as number, 1);
    else copy[first as number] = next;
    return copy;
  }
  const { [first]: old, ...others } = value as Members;
  const next = changedPart(old!, rest, change);
  if (next === undefined) return others;
  return { ...(value as Members), [first]: next };
}

function changedPart(
  value: JsonValue,
  rest: Path,
  change: (old: JsonValue) => JsonValue | undefined,
): JsonValue | undefined {
  return rest.length === 0 ? change(value) : withChange(value, rest, change);
}

export const without = (document: JsonValue, path: Path): JsonValue =>
  withChange(document, path, () => undefined);

/** Paths of all that is in the document, what contains before what is contained. */
export function paths(value: JsonValue, from: Path = []): readonly Path[] {
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).flatMap((each, index) => {
      const path = [...from, index];
      return [path, ...paths(each, path)];
    });
  }
  if (!isMembers(value)) return [];
  return Object.keys(value).flatMap((member) => {
    const path = [...from, member];
    return [path, ...paths(value[member]!, path)];
  });
}
