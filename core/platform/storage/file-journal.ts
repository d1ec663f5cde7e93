/**
 * Which files of an array changed, one edit of its durable state after the other, for who keeps an
 * index over them: reading all files again after each change of one costs more than what is looked
 * for. A pure cache: where it cannot tell (a restore, an edit by somebody else) it says so.
 */
import { assert, type Editable } from "../../kernel/index.ts";
import type { ArrayDurable, ArrayEntity } from "./array-state.ts";

const MOST_KEPT = 256;

/** No key of a file. */
const NO_FILE = "";

class Journal {
  /** Edits before the first that is kept. */
  from = 0;
  /** What each edit since changed. */
  readonly keys: string[] = [];
  /** The last edit that may have changed anything but files. */
  otherEdit = 0;
}

const journals = new WeakMap<ArrayEntity, Journal>();

/** The edit that was just begun changes this file and no other. */
export function noteFile(self: ArrayEntity, key: string): void {
  let journal = journals.get(self);
  if (journal === undefined) journals.set(self, (journal = new Journal()));
  const before = self.durableEdits - 1;
  const isNext = journal.from + journal.keys.length === before;
  if (!isNext || journal.keys.length === MOST_KEPT) {
    journal.from = before;
    journal.keys.length = 0;
  }
  if (!isNext) journal.otherEdit = before;
  if (key === NO_FILE) journal.otherEdit = self.durableEdits;
  journal.keys.push(key);
}

/** Number of the last edit that may have changed anything but files. */
export function lastOtherEdit(self: ArrayEntity): number {
  const journal = journals.get(self);
  if (journal === undefined) return self.durableEdits;
  const isAll = journal.from + journal.keys.length === self.durableEdits;
  return isAll ? journal.otherEdit : self.durableEdits;
}

/** The durable state of an array, to change anything of it but files. */
export function editVolumes(self: ArrayEntity): Editable<ArrayDurable> {
  const durable = self.editDurable();
  noteFile(self, NO_FILE);
  return durable;
}

/**
 * Tells the keys of the files that changed since there were so many edits, in order; false: that is
 * not known, and any of them may have.
 */
export function filesChangedSince(
  self: ArrayEntity,
  edits: number,
  changed: (key: string) => void,
): boolean {
  const journal = journals.get(self);
  if (journal === undefined || edits < journal.from) return false;
  const { from, keys } = journal;
  if (from + keys.length !== self.durableEdits) return false;
  assert(edits <= self.durableEdits, () => `${edits} edits of ${self.name}, which had fewer`);
  for (let at = edits - from; at < keys.length; at++) {
    if (keys[at] !== NO_FILE) changed(keys[at]!);
  }
  return true;
}

/** Keys of the files of an array, and of those that were, whose names end so: an index. */
export class FilesEnding {
  readonly #ending: string;
  readonly #known = new WeakMap<ArrayEntity, { edits: number; keys: string[] }>();

  constructor(ending: string) {
    this.#ending = ending;
  }

  /** In the order in which they first came to be. */
  keysOf(array: ArrayEntity): readonly string[] {
    let known = this.#known.get(array);
    if (known === undefined) this.#known.set(array, (known = { edits: -1, keys: [] }));
    const { edits, keys } = known;
    if (edits === array.durableEdits) return keys;
    const take = (key: string): void => {
      if (key.endsWith(this.#ending) && !keys.includes(key)) keys.push(key);
    };
    if (edits < 0 || !filesChangedSince(array, edits, take)) {
      keys.length = 0;
      for (const key in array.durable.files) take(key);
    }
    known.edits = array.durableEdits;
    return keys;
  }
}
