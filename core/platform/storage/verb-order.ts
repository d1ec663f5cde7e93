/**
 * What is asked about one file or volume is done in the order in which it came: a deletion does not
 * overtake the write that it is to undo, and who reads after a write sees it. Requests about others,
 * and those that look at all of them, are worked on side by side.
 */
import type { DeviceOp, VerbRequest } from "./device-state.ts";

/** Verbs that change the file or volume that they name. */
const CHANGES: ReadonlySet<string> = new Set([
  "create-volume",
  "delete-volume",
  "resize-volume",
  "file-write",
  "file-delete",
]);

export const isChange = ({ verb }: VerbRequest): boolean => CHANGES.has(verb);

/** File or volume that a verb is about; undefined: none, or several. */
export const nameIn = ({ body }: VerbRequest): string | undefined =>
  (body as { readonly name?: string } | null)?.name;

type Held = { readonly holder?: string; readonly holds?: readonly { readonly holder: string }[] };

/**
 * Files and volumes in whose name a verb changes something: the one that it names, or those that are to
 * hold a copy-on-write volume, or no longer (`KIND:NAME`).
 */
export function namesChanged(verb: VerbRequest): readonly string[] {
  const name = nameIn(verb);
  if (isChange(verb)) return name === undefined ? [] : [name];
  const { holder, holds = [] } = (verb.body ?? {}) as Held;
  const holders = holds.map((each) => each.holder);
  if (holder !== undefined) holders.push(holder);
  return holders.map((each) => each.slice(each.indexOf(":") + 1));
}

/** Whether this one has to wait until that one, which came earlier, is done. */
function isBehind(later: DeviceOp, earlier: DeviceOp): boolean {
  if (later.io.op !== "verb" || earlier.io.op !== "verb") return false;
  const name = nameIn(later.io);
  if (name === undefined || name !== nameIn(earlier.io)) return false;
  return isChange(later.io) || isChange(earlier.io);
}

/** Whether it has to wait for one of these. */
export function isHeldUp(op: DeviceOp, earlier: readonly DeviceOp[], count: number): boolean {
  if (op.io.op !== "verb") return false;
  for (let at = 0; at < count; at++) if (isBehind(op, earlier[at]!)) return true;
  return false;
}
