/** What turns a timeline entry into a running operation. */
import {
  type Entity,
  type OperationComponent,
  type OperationEntity,
  type PlainObject,
  startOperation,
} from "../../../core/kernel/index.ts";
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

/** An entry that is started again is another operation of the same id. */
export const start = (
  { world, durable }: Driver,
  kind: OperationComponent,
  host: Entity,
  id: string,
  params: PlainObject,
): OperationEntity => startOperation(world, kind, host, id, params, durable.starts?.[id]);
