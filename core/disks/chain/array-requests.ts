/**
 * What operations on disks ask of an array: its small files and its volumes, each request with a
 * time-out after which the operation looks for itself what happened.
 *
 * Must hold: what removes something whose name may be used again holds only as long as the intent is
 * as its sender opened or fenced it (`asLongAs`). A host can be lost with such a request on its way;
 * by the time it comes another host may have settled all, and the next operation have begun.
 */
import {
  ask,
  type AskStep,
  type EntityId,
  go,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
  wait,
} from "../../kernel/index.ts";
import type { FileVersion } from "../../platform/index.ts";
import { volumeOf } from "./descriptor.ts";

/** How long the array may take over one request. */
export const ARRAY_TIMEOUT_NS = 5_000_000_000;

/** Pause before an array that did not do what it was asked for is asked again. */
export const AGAIN_NS = 500_000_000;

/**
 * Asks again, in a phase, what the array did not do; or goes to "report" where another host has taken
 * the disks over: what is left here was settled by its power-on, or is its to settle.
 */
export const againOrLeave = ({ code }: Refusal, phase: string): Step =>
  code === "not-owner" ? go("report") : wait(AGAIN_NS, phase);

/** Bytes of a file on the wire. */
const FILE_BYTES = 1_024;

export type FileValue = { readonly value: PlainObject; readonly version: number };

export function askArray(
  array: EntityId,
  verb: string,
  body: Plain,
  next: string,
  otherwise?: string,
): AskStep {
  const extras = { timeoutNs: ARRAY_TIMEOUT_NS, bytes: FILE_BYTES };
  return ask(array, verb, body, next, otherwise === undefined ? extras : { ...extras, otherwise });
}

/** The value goes to `next` as a {@link FileValue}. */
export function readFile(array: EntityId, name: string, next: string, otherwise?: string): AskStep {
  return askArray(array, "file-read", { name }, next, otherwise);
}

/** Null when there is no such file. */
export function readFileIfAny(array: EntityId, name: string, next: string): AskStep {
  return { ...readFile(array, name, next), tolerate: ["no-file"] };
}

export function deleteFile(array: EntityId, name: string, next: string): AskStep {
  return { ...askArray(array, "file-delete", { name }, next), tolerate: ["no-file"] };
}

/** Removes a layer, descriptor and volume; what is gone already is no error. */
export function removeLayer(
  array: EntityId,
  descriptor: string,
  volume = volumeOf(descriptor),
): AskStep[] {
  const drop = askArray(array, "delete-volume", { name: volume }, "");
  return [deleteFile(array, descriptor, ""), { ...drop, tolerate: ["gone"] }];
}

/** The same for layers whose volumes may bear other names. */
export function removeLayers(
  array: EntityId,
  layers: readonly { readonly descriptor: string; readonly volume: string }[],
): AskStep[] {
  return layers.flatMap(({ descriptor, volume }) => removeLayer(array, descriptor, volume));
}

/** Removals, while a file is as it was: what somebody else has settled since is done. */
export const asLongAs = (given: FileVersion, removals: readonly AskStep[]): AskStep[] =>
  removals.map((each) => ({
    ...each,
    body: { ...(each.body as PlainObject), given },
    tolerate: [...(each.tolerate ?? []), "version-conflict"],
  }));

/** Closes an intent of one version: by the time that this is done another one may be open. */
export function removeIntent(
  array: EntityId,
  { name, version }: FileVersion,
  next: string,
  otherwise?: string,
): AskStep {
  const close = askArray(array, "file-delete", { name, ifVersion: version }, next, otherwise);
  return { ...close, tolerate: ["no-file", "version-conflict"] };
}
