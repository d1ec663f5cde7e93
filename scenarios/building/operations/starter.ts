/** What turns a timeline entry into a running operation. */
import type { ResolvedTimelineEntry } from "../../schema/scenario.generated.ts";
import type { Driver } from "../driver.ts";

/** The entry of one word of `do`. */
export type EntryOf<Do extends ResolvedTimelineEntry["do"]> = Extract<
  ResolvedTimelineEntry,
  { do: Do }
>;

export type Starter<Do extends ResolvedTimelineEntry["do"] = ResolvedTimelineEntry["do"]> = (
  self: Driver,
  entry: EntryOf<Do>,
) => void;
