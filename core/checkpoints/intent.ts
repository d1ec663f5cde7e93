/**
 * The steps by which a VM's checkpoints are changed at their array: the intent is opened, volumes are
 * made and go, the intent is closed.
 *
 * Must hold: one intent at a time; what is gone already is as good as what goes. Volumes are made and
 * go under the intent alone, of the version that was opened: whoever settles writes it anew, so what a
 * lost host, or an operation that gave up, had sent before and comes later changes nothing.
 */
import type { AskStep, EntityId } from "../kernel/index.ts";
import { askArray } from "../disks/index.ts";
import type { FileVersion } from "../platform/index.ts";
import { checkpointIntentFile, type CheckpointIntent } from "./catalog.ts";

/** Whoever comes second tries again so often: ten seconds in all. */
export const INTENT_RETRY_NS = 20_000_000;
export const MOST_INTENT_TRIES = 500;

/** Who changes a VM's checkpoints, and the version of the intent under which it does. */
export type UnderIntent = {
  readonly params: { readonly array: EntityId; readonly vm: string };
  readonly state: { readonly intentVersion: number };
};

const opened = ({ params: { vm }, state: { intentVersion } }: UnderIntent): FileVersion => ({
  name: checkpointIntentFile(vm),
  version: intentVersion,
});

/** Its {version} goes to `next`. Refused with `version-conflict` while another is open. */
export function openIntent(
  array: EntityId,
  intent: CheckpointIntent,
  next: string,
  otherwise: string,
): AskStep {
  const body = { name: checkpointIntentFile(intent.vm), value: intent, ifVersion: 0 };
  return askArray(array, "file-write", body, next, otherwise);
}

/** Where somebody else settles by now, the intent is theirs. */
export function closeIntent(op: UnderIntent, next: string, otherwise?: string): AskStep {
  const { name, version: ifVersion } = opened(op);
  const close = askArray(op.params.array, "file-delete", { name, ifVersion }, next, otherwise);
  return { ...close, tolerate: ["no-file", "version-conflict"] };
}

export function makeVolume(
  op: UnderIntent,
  volume: { readonly name: string; readonly sectors: number },
  next: string,
): AskStep {
  const body = { ...volume, given: opened(op) };
  return askArray(op.params.array, "create-volume", body, next, "giveUp");
}

/** Also as a part of several steps that are taken together: then whose `next` it is. */
export function dropVolume(op: UnderIntent, name: string, next = "", otherwise?: string): AskStep {
  const body = { name, given: opened(op) };
  const drop = askArray(op.params.array, "delete-volume", body, next, otherwise);
  return { ...drop, tolerate: ["gone", "version-conflict"] };
}
