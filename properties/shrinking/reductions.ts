/**
 * Ways to make a document smaller, the large ones first: whole groups of faults, operations and
 * fixed draws, machines and disks, then single members back to their defaults, then numbers.
 */
import type { JsonValue } from "../../scenarios/index.ts";
import { at, type Path, paths, withChange, without } from "./tree.ts";

export interface Reduction {
  /** `removal`: something less; `number`: the same with a simpler value. */
  readonly kind: "removal" | "number";
  readonly what: string;
  readonly document: JsonValue;
}

/** Lists of what happens, and of what it happens to. */
const LISTS: readonly string[] = ["faults", "timeline", "choices", "vms", "expect"];

const pointer = (path: Path): string => `/${path.join("/")}`;

const lengthOf = (document: JsonValue, path: Path): number => {
  const list = at(document, path);
  return Array.isArray(list) ? list.length : 0;
};

/** Takes away a part of a list: all of it, each half, each quarter, down to pairs. */
export function* groups(document: JsonValue): Generator<Reduction> {
  for (const list of LISTS) {
    const length = lengthOf(document, [list]);
    for (let size = length; size > 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < length; from += size) {
        const to = Math.min(length, from + size);
        const less = withChange(document, [list], (all) =>
          (all as readonly JsonValue[]).filter((_, index) => index < from || index >= to),
        );
        yield { kind: "removal", what: `/${list} ${from} to ${to - 1}`, document: less };
      }
    }
  }
}

/** Takes away each element of a list and each member, the outermost first. */
export function* removals(document: JsonValue): Generator<Reduction> {
  const all = [...paths(document)];
  const isIn = (path: Path, list: string): boolean => path[0] === list && path.length === 2;
  const first = LISTS.flatMap((list) => all.filter((path) => isIn(path, list)));
  const later = all.filter((path) => !first.includes(path));
  for (const path of [...first, ...later]) {
    yield { kind: "removal", what: pointer(path), document: without(document, path) };
  }
}

/** Simpler numbers: 0, 1, half of it, fewer digits. */
export function* simplerNumbers(document: JsonValue): Generator<Reduction> {
  for (const path of paths(document)) {
    const value = at(document, path);
    if (typeof value !== "number") continue;
    for (const simpler of simplerThan(value)) {
      const smaller = withChange(document, path, () => simpler);
      yield { kind: "number", what: `${pointer(path)} = ${simpler}`, document: smaller };
    }
  }
}

function simplerThan(value: number): readonly number[] {
  const sizes = [100, 10, 1, 0.1].map((unit) => Math.round(value / unit) * unit);
  const half = Math.abs(value) >= 2 ? Math.trunc(value / 2) : 0;
  const all = [0, 1, half, ...sizes].map((each) => Number(each.toFixed(3)));
  const isSimpler = (each: number): boolean =>
    Math.abs(each) < Math.abs(value) || String(each).length < String(value).length;
  return [...new Set(all)].filter((each) => each !== value && isSimpler(each));
}
