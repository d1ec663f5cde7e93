/** What `monitor` does in a debugger: where the machine stands in the recording, and going elsewhere. */
import type { DebugTarget } from "../debugging/index.ts";
import type { Sliced } from "../replaying/sliced.ts";

const HELP = `monitor when             event, retired instructions and simulated time of this place
monitor goto PLACE       a place as "monitor when" tells it, or begin, or end; then
                         "maintenance flush register-cache", as gdb cannot know that it moved
monitor help             this
Backwards: reverse-continue, reverse-stepi, reverse-step, reverse-finish.
`;
const NANOSECONDS = 9;

/** The text that the debugger shows. */
export function* monitor(
  target: DebugTarget,
  command: string,
  goesOn: () => boolean,
): Sliced<string> {
  const [word = "", argument = "", ...rest] = command.trim().split(/\s+/);
  if (word === "when" && argument === "") return whenText(target);
  if (word === "help" && argument === "") return HELP;
  if (word !== "goto" || rest.length > 0) return `unknown: ${command.slice(0, 80)}\n${HELP}`;
  const place = placeOf(target, argument);
  if (place === undefined) {
    return `expected a place from ${target.begin} to ${target.end}, begin or end\n`;
  }
  const { kind } = yield* target.seek(place, goesOn);
  return (kind === "interrupted" ? "interrupted on the way\n" : "") + whenText(target);
}

function placeOf({ begin, end }: DebugTarget, text: string): number | undefined {
  if (text === "begin") return begin;
  if (text === "end") return end;
  const place = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return place >= begin && place <= end ? place : undefined;
}

function whenText(target: DebugTarget): string {
  const { place, run, progress, retired, world } = target.where();
  return (
    `event ${world === null ? "unknown" : world.event}\n` +
    `retired ${retired}\n` +
    `time ${world === null ? "unknown" : secondsOf(world.timeNs)}\n` +
    `place ${place} of ${target.begin} to ${target.end}: progress ${progress} of run ${run + 1}\n`
  );
}

function secondsOf(timeNs: number): string {
  const digits = String(timeNs).padStart(NANOSECONDS + 1, "0");
  return `${digits.slice(0, -NANOSECONDS)}.${digits.slice(-NANOSECONDS)} s`;
}
