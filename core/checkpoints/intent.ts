/**
 * The steps by which a VM's checkpoints are changed at their array: the intent is opened, volumes that
 * are not needed any more go, the intent is closed.
 *
 * Must hold: one intent at a time; what is gone already is as good as what goes.
 */
import type { AskStep, EntityId } from "../kernel/index.ts";
import { askArray } from "../disks/index.ts";
import { checkpointIntentFile, type CheckpointIntent } from "./catalog.ts";

/** Whoever comes second tries again so often: ten seconds in all. */
export const INTENT_RETRY_NS = 20_000_000;
export const MOST_INTENT_TRIES = 500;

/** Refused with `version-conflict` while another is open. */
export function openIntent(
  array: EntityId,
  intent: CheckpointIntent,
  next: string,
  otherwise: string,
): AskStep {
  const body = { name: checkpointIntentFile(intent.vm), value: intent, ifVersion: 0 };
  return askArray(array, "file-write", body, next, otherwise);
}

export function closeIntent(
  { array, vm }: { readonly array: EntityId; readonly vm: string },
  next: string,
  otherwise: string,
): AskStep {
  const body = { name: checkpointIntentFile(vm) };
  return { ...askArray(array, "file-delete", body, next, otherwise), tolerate: ["no-file"] };
}

/** Also as a part of several steps that are taken together: then whose `next` it is. */
export function dropVolume(array: EntityId, name: string, next = "", otherwise?: string): AskStep {
  return { ...askArray(array, "delete-volume", { name }, next, otherwise), tolerate: ["gone"] };
}
