/**
 * All small files of an array as of one moment, read with one request: what operations decide by
 * that touch more than their own VM.
 */
import type { EntityId, Plain, PlainObject } from "../../kernel/index.ts";
import { type DiskOwnership, OWNER_SUFFIX } from "../../platform/index.ts";
import { askArray } from "./array-requests.ts";
import { type DiskDescriptor, type VmConfiguration, soundDescriptor } from "./descriptor.ts";

type ScannedFile = {
  readonly name: string;
  readonly value: PlainObject;
  readonly version: number;
};

/** What `file-scan` answers. */
export type Scan = { readonly files: readonly ScannedFile[] };

export const scan = (array: EntityId, next: string, otherwise?: string) =>
  askArray(array, "file-scan", {}, next, otherwise);

export class ArrayFiles {
  readonly #files = new Map<string, ScannedFile>();
  /** Names of descriptors by what they stand on, once somebody asks. */
  #children: ReadonlyMap<string, readonly string[]> | undefined;

  constructor({ files }: Scan) {
    for (const file of files) this.#files.set(file.name, file);
  }

  /** The file of this name; undefined when there is none. */
  get(name: string): ScannedFile | undefined {
    return this.#files.get(name);
  }

  descriptor(name: string): DiskDescriptor | undefined {
    const file = this.#files.get(name);
    return file === undefined ? undefined : soundDescriptor(file.value);
  }

  /** Names of the descriptors that stand on this one. */
  childrenOf(parent: string): readonly string[] {
    return (this.#children ??= this.#byParent()).get(parent) ?? [];
  }

  /** Descriptors from this one down to its base; stops where one is missing or comes again. */
  chainOf(name: string): string[] {
    const chain: string[] = [];
    for (let at: string | null | undefined = name; typeof at === "string";) {
      if (chain.includes(at) || this.get(at) === undefined) break;
      chain.push(at);
      at = this.descriptor(at)?.parent;
    }
    return chain;
  }

  descriptorNames(): string[] {
    return this.#named(".vmdk").map(({ name }) => name);
  }

  configurations(): VmConfiguration[] {
    return this.#named(".vmx").map(({ value }) => value as VmConfiguration);
  }

  /** Open intents of every kind, by file name. */
  intents(): (readonly [string, PlainObject])[] {
    return this.#named("intent").map(({ name, value }) => [name, value] as const);
  }

  ownerships(): readonly { readonly name: string; readonly ownership: DiskOwnership }[] {
    return this.#named(OWNER_SUFFIX).map(({ name, value }) => {
      return { name, ownership: value as unknown as DiskOwnership };
    });
  }

  #byParent(): ReadonlyMap<string, readonly string[]> {
    const children = new Map<string, string[]>();
    for (const { name, value } of this.#named(".vmdk")) {
      const parent = soundDescriptor(value)?.parent ?? null;
      if (parent === null) continue;
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [name]);
      else known.push(name);
    }
    return children;
  }

  /** Files whose name ends so; intents end in `.intent` or `.backup-intent`. */
  #named(end: string): ScannedFile[] {
    const named: ScannedFile[] = [];
    for (const file of this.#files.values()) if (file.name.endsWith(end)) named.push(file);
    return named;
  }
}

/** Whether a word stands somewhere in plain data: a cautious answer to what a file refers to. */
export function mentions(value: Plain | undefined, word: string): boolean {
  if (value === word) return true;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  return Object.values(value).some((each) => mentions(each as Plain, word));
}
