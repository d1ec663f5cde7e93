/**
 * What a checkpoint file has beside the memory: the devices of the machine, and the pages that it used
 * while it was being suspended, if somebody looked (US 2016/0253201).
 */
import type { Plain, PlainObject } from "../kernel/index.ts";
import type { RunImage } from "../vmm/index.ts";
import { bytesOfPlain, plainOfBytes } from "./file/plain-bytes.ts";
import { bad, type Checked, sound } from "./file/problem.ts";

/** Spans of pages, first page and count by turns, in the order in which they are wanted. */
export type WorkingSet = readonly number[];

export type SavedState = {
  readonly image: RunImage;
  /** null: nobody looked. */
  readonly workingSet: WorkingSet | null;
};

export function bytesOfState({ image, workingSet }: SavedState): Uint8Array {
  const all = workingSet === null ? image : { ...image, workingSet };
  return bytesOfPlain(all as unknown as Plain);
}

/** Of the state that a file holds, whatever that is. `pages`: of the machine. */
export function stateOfBytes(bytes: Uint8Array, pages: number): Checked<SavedState> {
  const plain = plainOfBytes(bytes);
  if (!plain.ok) return plain;
  const { value } = plain;
  if (typeof value !== "object" || value === null || !("image" in value)) {
    return bad("damaged", "the device state is of no machine");
  }
  const { workingSet = null, ...image } = value as PlainObject;
  if (!isWorkingSet(workingSet, pages)) return bad("damaged", "the working set is none");
  return sound({ image: image as unknown as RunImage, workingSet });
}

function isWorkingSet(value: unknown, pages: number): value is WorkingSet | null {
  if (value === null) return true;
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  if (!value.every((each) => Number.isSafeInteger(each) && Number(each) >= 0)) return false;
  const numbers = value as readonly number[];
  return numbers.every((each, i) => i % 2 === 0 || numbers[i - 1]! + each <= pages);
}

/** Each page of a working set, in order. */
export function eachPage(workingSet: WorkingSet, what: (page: number) => void): void {
  for (let at = 0; at < workingSet.length; at += 2) {
    const end = workingSet[at]! + workingSet[at + 1]!;
    for (let page = workingSet[at]!; page < end; page++) what(page);
  }
}
