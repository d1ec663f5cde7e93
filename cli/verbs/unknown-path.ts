/** Naming what is nearest to a path under which there is nothing. Loads the engine. */
import { splitPointer, viewPath, type World } from "../../core/kernel/index.ts";
import { closest } from "../../scenarios/index.ts";

const SUGGESTIONS = 5;

/** What to say of a path under which there is nothing: which part is unknown, and what is there. */
export function unknownPath(world: World, path: string): string {
  const segments = splitPointer(path);
  const taken =
    segments.findLastIndex((_, i) => viewOf(world, segments.slice(0, i + 1)) !== undefined) + 1;
  const value = viewOf(world, segments.slice(0, taken));
  const known = taken === 0 ? topNames(world) : Object.keys(value ?? {});
  const rest = taken === 0 ? segments.join("/") : segments[taken]!;
  const where = taken === 0 ? "" : `/${segments.slice(0, taken).join("/")} has no member ${rest}`;
  const names = nearest(rest, known).join(", ");
  const hint = names === "" ? "it has none" : `nearest: ${names}`;
  return `${where === "" ? `nothing is named ${path}` : where}; ${hint}`;
}

function viewOf(world: World, segments: readonly string[]): object | undefined {
  const escaped = segments.map((each) => each.replaceAll("~", "~0").replaceAll("/", "~1"));
  const viewed = viewPath(world, `/${escaped.join("/")}`);
  if (!viewed.ok) return undefined;
  return typeof viewed.value === "object" ? (viewed.value ?? {}) : {};
}

const topNames = (world: World): string[] => [
  ...[...world.entities()].map(({ name }) => name),
  "world",
  "domains",
  "pending",
];

/** Known names that may be meant: the closest spelling, then those that share a start. */
function nearest(word: string, known: readonly string[]): readonly string[] {
  const best = closest(word, known);
  const shared = (name: string): number => {
    let length = 0;
    while (length < name.length && name[length] === word[length]) length++;
    return length;
  };
  const others = [...known].sort((a, b) => shared(b) - shared(a));
  return [...new Set(best === undefined ? others : [best, ...others])].slice(0, SUGGESTIONS);
}
