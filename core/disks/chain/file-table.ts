/**
 * The files of an array that disks are made of, read once: for observers, who look at all of them
 * after every change of one. An index, kept current by what the array tells of its changes; each
 * look at it finds what reading the files again would, in the order in which they first came to be.
 */
import type { PlainObject, World } from "../../kernel/index.ts";
import { type ArrayEntity, arraysOf, filesChangedSince } from "../../platform/index.ts";
import { type DiskDescriptor, soundDescriptor, type VmConfiguration } from "./descriptor.ts";

/** By file name; undefined where a file is gone or damaged. */
type Files<Content> = ReadonlyMap<string, Content | undefined>;

export class FileTable {
  /** Counts changes of descriptors. */
  version = 0;
  #edits = -1;
  readonly #descriptors = new Map<string, DiskDescriptor | undefined>();
  readonly #configurations = new Map<string, VmConfiguration | undefined>();
  readonly #intents = new Map<string, PlainObject | undefined>();

  /** Of sound descriptors. */
  get descriptors(): Files<DiskDescriptor> {
    return this.#descriptors;
  }

  get configurations(): Files<VmConfiguration> {
    return this.#configurations;
  }

  /** Of every kind: their names end in `.intent` or `.backup-intent`. */
  get intents(): Files<PlainObject> {
    return this.#intents;
  }

  refresh(array: ArrayEntity): void {
    const edits = array.durableEdits;
    if (edits === this.#edits) return;
    const { files } = array.durable;
    const isKnown =
      this.#edits >= 0 &&
      filesChangedSince(array, this.#edits, (key) => this.#take(key, files[key]?.value));
    if (!isKnown) this.#takeAll(files);
    this.#edits = edits;
  }

  #takeAll(files: ArrayEntity["durable"]["files"]): void {
    this.version++;
    this.#descriptors.clear();
    this.#configurations.clear();
    this.#intents.clear();
    for (const key in files) this.#take(key, files[key]!.value);
  }

  #take(key: string, value: unknown): void {
    const name = key.slice("file:".length);
    if (name.endsWith(".vmdk")) {
      this.version++;
      const read = value === undefined ? undefined : soundDescriptor(value as PlainObject);
      this.#descriptors.set(name, read);
    } else if (name.endsWith(".vmx")) {
      this.#configurations.set(name, value as VmConfiguration | undefined);
    } else if (name.endsWith("intent")) {
      this.#intents.set(name, value as PlainObject | undefined);
    }
  }
}

/** An operation that a crash cut short is settled when its VM is next powered on. */
export function anyIntent(world: World): boolean {
  for (const array of arraysOf(world)) {
    for (const intent of fileTableOf(array).intents.values()) {
      if (intent !== undefined) return true;
    }
  }
  return false;
}

const tables = new WeakMap<ArrayEntity, FileTable>();

/** As of now; to be asked for again after any other event or change. */
export function fileTableOf(array: ArrayEntity): FileTable {
  let table = tables.get(array);
  if (table === undefined) tables.set(array, (table = new FileTable()));
  table.refresh(array);
  return table;
}
