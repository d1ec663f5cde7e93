/**
 * Where two worlds differ, by path: the descent from unequal roots to the first unequal field.
 */
import { equalPlain, type Plain, type PlainObject } from "./plain.ts";
import { pendingEvents, viewDomains, viewEntity } from "./view.ts";
import type { World } from "./world.ts";

/** `a` or `b` is undefined where that world has nothing at the path. */
export interface Difference {
  readonly path: string;
  readonly a: Plain | undefined;
  readonly b: Plain | undefined;
}

/** The first differences, at most `limit`: entities in order of creation, then pending events. */
export function diffWorlds(a: World, b: World, limit = 20): Difference[] {
  const differences: Difference[] = [];
  const names = new Set<string>();
  for (const world of [a, b]) for (const entity of world.entities()) names.add(entity.name);
  for (const name of names) {
    const left = viewByName(a, name);
    const right = viewByName(b, name);
    collect(`/${name}`, left, right, differences, limit);
    collectPages(a, b, name, differences, limit);
    if (differences.length >= limit) return differences;
  }
  collect("/domains", withoutRoots(a), withoutRoots(b), differences, limit);
  collect("/pending", pendingEvents(a) as Plain, pendingEvents(b) as Plain, differences, limit);
  collect("/world", scalars(a), scalars(b), differences, limit);
  return differences;
}

/** Pages of memories at which two worlds differ, by number, each by the first word that does. */
function collectPages(a: World, b: World, name: string, into: Difference[], limit: number): void {
  for (const memory of a.memories.namesOf(name)) {
    const [left, right] = [a.memories.get(memory)!, b.memories.get(memory)];
    if (right === undefined || left.pages !== right.pages || left.digest() === right.digest()) {
      continue;
    }
    const label = memory.slice(memory.lastIndexOf("#") + 1);
    for (const page of left.differingPages(right)) {
      if (into.length >= limit) return;
      const [x, y] = [left.backing.read(page).slice(), right.backing.read(page).slice()];
      const at = x.findIndex((byte, i) => byte !== y[i]) & ~7;
      const path = `/${name}/memories/${label}/${page}/${at}`;
      into.push({ path, a: hexOf(x.subarray(at, at + 8)), b: hexOf(y.subarray(at, at + 8)) });
    }
  }
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function viewByName(world: World, name: string): Plain | undefined {
  const id = world.registry.idOf(name);
  if (id === undefined) return undefined;
  const { pending: _, ...view } = viewEntity(world, world.entity(id));
  return view;
}

function withoutRoots(world: World): PlainObject {
  const domains: { [name: string]: PlainObject } = {};
  for (const [name, domain] of Object.entries(viewDomains(world))) {
    const { root: _, ...rest } = domain as PlainObject;
    domains[name] = rest;
  }
  return domains;
}

/** Hash chains differ wherever anything did: no place of its own. */
function scalars(world: World): PlainObject {
  const { epochChain: _, ...rest } = world.scalars();
  return rest;
}

function collect(
  path: string,
  a: Plain | undefined,
  b: Plain | undefined,
  into: Difference[],
  limit: number,
): void {
  if (into.length >= limit || equalPlain(a, b)) return;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) {
    into.push({ path, a, b });
    return;
  }
  const left = a as { readonly [key: string]: Plain | undefined };
  const right = b as { readonly [key: string]: Plain | undefined };
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    collect(`${path}/${escapeSegment(key)}`, left[key], right[key], into, limit);
  }
}

function isContainer(value: Plain | undefined): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}

function escapeSegment(segment: string): string {
  return segment.replaceAll("~", "~0").replaceAll("/", "~1");
}
