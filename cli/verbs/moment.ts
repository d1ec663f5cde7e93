/** Moving a timeline to what `--at` names, and naming what is nearest to an unknown path. */
import { splitPointer, viewPath, type World } from "../../core/kernel/index.ts";
import { closest } from "../../scenarios/index.ts";
import type { Timeline } from "../../traces/index.ts";
import { type Moment, parseMoment } from "../time.ts";
import type { VerbOption } from "../verb.ts";
import type { OpenRun } from "./with-run.ts";

export const atOption: VerbOption = {
  flags: "--at <moment>",
  describe: "a time (1.5s) or the number of an event (#1042); default: the end",
  parse: parseMoment,
};

/** To right after the event, or after everything up to the time; undefined is the end. */
export function seekMoment(timeline: Timeline, at: Moment | undefined): void {
  if (at === undefined) timeline.seekEvent(timeline.run.lastEvent + 1);
  else if ("event" in at) timeline.seekEvent(at.event);
  else timeline.seekTime(at.timeNs);
}

/** A moment that the trace does not reach: what to say; undefined when it does. */
export function beyondEnd({ run }: OpenRun, at: Moment | undefined): string | undefined {
  if (at === undefined || !("event" in at) || at.event <= run.lastEvent) return undefined;
  return `event #${at.event} is beyond the end of the trace, event #${run.lastEvent}`;
}

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
