/**
 * Why a field has its value: the events that last changed it, backwards, each with the chain of
 * events that scheduled it.
 */
import { equalPlain, type ExecutedEvent, type Plain, viewPath } from "../../core/kernel/index.ts";
import type { Sliced } from "../replaying/sliced.ts";
import type { Timeline } from "../replaying/timeline.ts";

export interface EventLine {
  readonly event: number;
  readonly timeNs: number;
  readonly entity: string;
  readonly handler: string;
  readonly arg: Plain;
  readonly cause: number;
}

export interface Change {
  readonly change: EventLine;
  readonly before: Plain | undefined;
  readonly after: Plain | undefined;
  /** The event that scheduled it, the one that scheduled that, and so on. */
  readonly causes: readonly EventLine[];
}

const MAX_CAUSES = 8;

/** The last `count` changes of the field at or before the timeline's present event. */
export function* whyChanged(timeline: Timeline, path: string, count: number): Sliced<Change[]> {
  const changes: Change[] = [];
  while (changes.length < count) {
    const after = valueAt(timeline, path);
    const found = yield* timeline.reversing((world) => {
      const viewed = viewPath(world, path);
      return !equalPlain(viewed.ok ? viewed.value : undefined, after);
    });
    if (!found) break;
    const before = valueAt(timeline, path);
    const changed = timeline.event + 1;
    const change = eventAt(timeline, changed);
    changes.push({ change, before, after, causes: causesOf(timeline, change) });
    timeline.seekEvent(changed - 1);
  }
  return changes;
}

/** What event number `event` was; the timeline is left right after it. */
export function eventAt(timeline: Timeline, event: number): EventLine {
  timeline.seekEvent(event - 1);
  let line: EventLine | undefined;
  timeline.world.hooks.onEvent = (executed) => (line = eventLine(executed));
  timeline.play(event);
  delete timeline.world.hooks.onEvent;
  if (line === undefined) throw new Error(`event ${event} is not in this trace`);
  return line;
}

export function eventLine(executed: ExecutedEvent): EventLine {
  const { event, timeNs, target, handler, arg, cause } = executed;
  return { event, timeNs, entity: target.name, handler, arg, cause };
}

function causesOf(timeline: Timeline, change: EventLine): EventLine[] {
  const causes: EventLine[] = [];
  let { cause } = change;
  while (cause > 0 && causes.length < MAX_CAUSES) {
    const line = eventAt(timeline, cause);
    causes.push(line);
    cause = line.cause;
  }
  return causes;
}

function valueAt(timeline: Timeline, path: string): Plain | undefined {
  const viewed = viewPath(timeline.world, path);
  return viewed.ok ? viewed.value : undefined;
}
