/**
 * `--set path=value`: changes one member of a document before it is checked.
 *
 * A path is a JSON pointer (`/timeline/merge/method`) or dotted (`timeline.merge.method`). An
 * element of a list is named by its index or by its id (or name). The value is JSON, or else text.
 * What must hold: the input is not changed; what a setting cannot mean is a finding, never a throw.
 */
import type { JsonValue } from "./schema/json-schema.ts";
import { isForbiddenKey, toPlainData } from "./validate/plain-data.ts";
import { type Finding, finding, pointerTo, shown } from "./validate/problem.ts";
import { isMembers } from "./validate/schema-walk.ts";
import { linkId } from "./validate/directory.ts";
import { closest } from "./validate/suggest.ts";

export interface Setting {
  readonly path: readonly string[];
  readonly value: JsonValue;
}

/** JSON, or else the text itself. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const pathOf = (text: string): readonly string[] =>
  text.startsWith("/")
    ? text
        .slice(1)
        .split("/")
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    : text.split(".");

export type ParsedSetting =
  | { readonly ok: true; readonly setting: Setting }
  | { readonly ok: false; readonly found: Finding };

const refused = (pointer: string, message: string, expected: string) =>
  ({ ok: false, found: finding(pointer, message, expected) }) as const;

export function parseSetting(text: string): ParsedSetting {
  const expected = "path=value, for instance /hosts/alpha/cores=4";
  const equals = text.indexOf("=");
  if (equals <= 0) return refused("", `cannot read the setting ${shown(text)}`, expected);
  const path = pathOf(text.slice(0, equals));
  if (path.some((part) => part === "")) {
    return refused("", `the path of ${shown(text)} has an empty part`, expected);
  }
  const forbidden = path.find(isForbiddenKey);
  if (forbidden !== undefined) {
    return refused(pointerTo("", ...path), `"${forbidden}" is not allowed`, "no prototype keys");
  }
  const { data, findings } = toPlainData(valueOf(text.slice(equals + 1)));
  const [first] = findings;
  if (!first) return { ok: true, setting: { path, value: data } };
  return refused(pointerTo("", ...path) + first.pointer, first.message, first.expected);
}

/** Elements are named by id or name; a link without an id by its ends. */
function nameOf(element: JsonValue): string | undefined {
  if (!isMembers(element)) return undefined;
  const { id, name, between } = element;
  if (typeof id === "string") return id;
  if (typeof name === "string") return name;
  return Array.isArray(between) ? linkId(between.map(String)) : undefined;
}

/** Index of the element that `part` names, one past the end for `-`; -1 when there is none. */
function indexIn(list: readonly JsonValue[], part: string): number {
  if (part === "-") return list.length;
  if (/^(0|[1-9][0-9]{0,8})$/.test(part)) return Number(part) < list.length ? Number(part) : -1;
  return list.findIndex((element) => nameOf(element) === part);
}

function noSuchElement(list: readonly JsonValue[], pointer: string, part: string) {
  const names = list.flatMap((element) => nameOf(element) ?? []);
  const meant = closest(part, names);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  const expected =
    names.length > 0 ? `one of ${names.join(", ")}` : `an index below ${list.length}`;
  return refused(pointer, `no such element${hint}`, `${expected}, or - for a new one`);
}

type Place = readonly (string | number)[];

/** The path with list elements as indexes. Members on the way may be absent, elements may not. */
function placeOf(
  document: JsonValue,
  path: readonly string[],
): { readonly ok: true; readonly place: Place } | { readonly ok: false; readonly found: Finding } {
  let value: JsonValue | undefined = document;
  const place: (string | number)[] = [];
  for (const part of path) {
    const pointer = pointerTo("", ...place, part);
    if (Array.isArray(value)) {
      const list = value as readonly JsonValue[];
      const index = indexIn(list, part);
      if (index < 0) return noSuchElement(list, pointer, part);
      place.push(index);
      value = list[index];
    } else if (value === undefined || isMembers(value)) {
      place.push(part);
      value = value && Object.hasOwn(value, part) ? (value[part] as JsonValue) : undefined;
    } else {
      return refused(pointer, `${shown(value)} has no members`, "a path that leads to a member");
    }
  }
  return { ok: true, place };
}

function withValue(container: JsonValue | undefined, place: Place, value: JsonValue): JsonValue {
  const [part, ...rest] = place;
  if (part === undefined) return value;
  if (typeof part === "number") {
    const list = [...(container as readonly JsonValue[])];
    list[part] = withValue(list[part], rest, value);
    return list;
  }
  const members = (container ?? {}) as Readonly<Record<string, JsonValue>>;
  return { ...members, [part]: withValue(members[part], rest, value) };
}

/** The document with the setting applied; the input is not changed. */
export function applySetting(
  document: JsonValue,
  { path, value }: Setting,
):
  | { readonly ok: true; readonly document: JsonValue }
  | { readonly ok: false; readonly found: Finding } {
  const target = placeOf(document, path);
  return target.ok ? { ok: true, document: withValue(document, target.place, value) } : target;
}
