/** Moving a timeline to what `--at` names. */
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
