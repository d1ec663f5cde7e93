/**
 * What operations on copy-on-write disks read and write of an array: all files and all vvols as of
 * one moment each, and changes that hold only for the version that was read.
 */
import { type EntityId, fail, type PlainObject, type Step, together } from "../../kernel/index.ts";
import type { AskStep } from "../../kernel/index.ts";
import type { FileVersion, Hold, VvolInfo } from "../../platform/index.ts";
import { ArrayFiles, type Scan } from "../chain/array-files.ts";
import { type HeldLayer, sharersOf } from "../clone/sharers.ts";
import { askArray, deleteFile, removeLayer } from "../chain/array-requests.ts";
import {
  configurationFile,
  type DiskDescriptor,
  descriptorFileOf,
  intentFile,
  namedDescriptors,
  readDescriptor,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { type CowIntent, descriptorHolder, intentHolder } from "./cow-intents.ts";

/** Answer of {@link lookAtArray}: vvols first, so that what is held after them is seen in files. */
export type ArrayView = readonly [{ readonly vvols: readonly VvolInfo[] }, Scan];

export function lookAtArray(array: EntityId, next: string, otherwise: string): Step {
  const tolerated = { ...askArray(array, "vasa-query", {}, ""), tolerate: ["not-supported"] };
  return together([tolerated, askArray(array, "file-scan", {}, "")], next, otherwise);
}

/** Files and vvols of an array as an operation sees them. */
export class CowView {
  readonly files: ArrayFiles;
  readonly vvols: readonly VvolInfo[];

  constructor([vvols, scan]: ArrayView) {
    this.vvols = (vvols as ArrayView[0] | null)?.vvols ?? [];
    this.files = new ArrayFiles(scan);
  }

  configuration(vm: string): VmConfiguration | undefined {
    return this.files.get(configurationFile(vm))?.value as VmConfiguration | undefined;
  }

  intent<Intent extends CowIntent>(vm: string): Intent | undefined {
    return this.files.get(intentFile(vm))?.value as Intent | undefined;
  }

  version(name: string): number {
    return this.files.get(name)?.version ?? 0;
  }

  baseOf(vvol: string): string | undefined {
    return this.vvols.find((each) => each.vvol === vvol)?.base;
  }

  /** Snapshot that a clone shares chunks with. */
  originOf(vvol: string): string | undefined {
    return this.vvols.find((each) => each.vvol === vvol)?.origin;
  }

  heldBy(holder: string): readonly VvolInfo[] {
    return this.vvols.filter(({ holders }) => holders.includes(holder));
  }

  /**
   * Why descriptors cannot be worked with: the first that is missing, damaged, mismatched or in a
   * cycle, down to the roots of their chains. Undefined: all are sound.
   */
  problemOf(names: Iterable<string>): Step | undefined {
    for (const first of names) {
      const seen = new Set<string>();
      let child: DiskDescriptor | undefined;
      for (let name: string | null = first; name !== null;) {
        if (seen.has(name)) return fail("cyclic-chain", name);
        seen.add(name);
        const file = this.files.get(name);
        if (file === undefined) return fail("missing-descriptor", name);
        const read = readDescriptor(file.value);
        if (!read.ok) return fail(read.code, { descriptor: name, message: read.message });
        const { descriptor } = read;
        if (child !== undefined && child.parentCid !== descriptor.cid) {
          return fail("content-id-mismatch", name);
        }
        const problem = this.#volumeProblem(name, descriptor);
        if (problem !== undefined) return problem;
        child = descriptor;
        name = descriptor.parent;
      }
    }
    return undefined;
  }

  #volumeProblem(name: string, { kind, volume, sectors }: DiskDescriptor): Step | undefined {
    if (kind !== "cow") return undefined;
    const vvol = this.vvols.find((each) => each.vvol === volume);
    if (vvol === undefined) return fail("missing-volume", { descriptor: name, volume });
    if (sectors <= vvol.sectors) return undefined;
    return fail("extent-out-of-bounds", { descriptor: name, sectors, volume: vvol.sectors });
  }
}

/** Replaces a file if it is still as it was seen; `version` 0: makes it. */
export function writeIf(
  array: EntityId,
  name: string,
  value: PlainObject,
  version: number,
  next = "",
  otherwise?: string,
): AskStep {
  return askArray(array, "file-write", { name, value, ifVersion: version }, next, otherwise);
}

/**
 * Makes a descriptor while the intent that tells of it is as it was opened: what comes later than
 * its undoing is refused, for nobody would look for it again.
 */
export function makeDescriptor(
  array: EntityId,
  name: string,
  descriptor: DiskDescriptor,
  given: { readonly name: string; readonly version: number },
  next = "",
  otherwise?: string,
): AskStep {
  const body = { name, value: descriptorFileOf(descriptor), ifVersion: 0, given };
  return askArray(array, "file-write", body, next, otherwise);
}

export const writeDescriptor = (
  array: EntityId,
  name: string,
  descriptor: DiskDescriptor,
  version: number,
): AskStep => writeIf(array, name, descriptorFileOf(descriptor), version);

/** While the intent is as it was seen: what comes later would hold for nobody. */
export const hold = (
  array: EntityId,
  holds: readonly Hold[],
  given: FileVersion,
  next: string,
  otherwise: string,
) => askArray(array, "vasa-hold", { holds: [...holds], given }, next, otherwise);

/** Holds what an intent made, for its descriptor, unless the intent was settled by somebody else. */
export function holdUnder(
  array: EntityId,
  intent: Pick<CowIntent, "vm" | "operation">,
  made: Hold,
  next: string,
  otherwise: string,
): AskStep {
  const body = { holds: [made], under: intentHolder(intent) };
  return askArray(array, "vasa-hold", body, next, otherwise);
}

/** While the intent is as it was seen. */
export const release = (
  array: EntityId,
  holds: readonly Hold[],
  given: FileVersion,
  next: string,
  otherwise: string,
) => askArray(array, "vasa-release", { holds: [...holds], given }, next, otherwise);

/** Deletes a file if it is still as it was seen; what is gone is no error. */
export function deleteIf(array: EntityId, name: string, version: number): AskStep {
  const step = askArray(array, "file-delete", { name, ifVersion: version }, "");
  return { ...step, tolerate: ["no-file"] };
}

/**
 * Who outside a VM would notice if its descriptors went; the VM's own intent is no sharer, nor those
 * `under` which this is done.
 */
export function sharersOfAll(
  files: ArrayFiles,
  vm: string,
  names: readonly string[],
  under: readonly string[] = [],
): string[] {
  const configuration = files.get(configurationFile(vm))!.value as VmConfiguration;
  const own = namedDescriptors(configuration);
  const except = [vm, intentFile(vm), ...own, ...under];
  return [...new Set(names.flatMap((name) => sharersOf(files, name, except)))];
}

/**
 * Removes what an operation made of names that nobody else ever has: after its intent was settled
 * by somebody else, who cannot have seen what was made later. What is not there is no error.
 */
export function removeMade(
  array: EntityId,
  intent: Pick<CowIntent, "vm" | "operation">,
  descriptors: readonly string[],
  volumes: readonly string[],
  next: string,
): Step {
  // The intent last: as long as it holds what was made, nobody expects a descriptor to lead there.
  const holders = [...descriptors.map(descriptorHolder), intentHolder(intent)];
  const asks = [
    ...descriptors.map((name) => askArray(array, "file-delete", { name }, "")),
    ...volumes.map((name) => askArray(array, "delete-volume", { name }, "")),
    ...holders.map((holder) => releaseHolder(array, holder)),
  ];
  const tolerate = ["no-file", "gone", "not-supported"];
  return together(
    asks.map((each) => ({ ...each, tolerate })),
    next,
    next,
  );
}

/** Removes layers of either kind; what is gone already is no error. */
export function dropLayers(array: EntityId, layers: readonly HeldLayer[]): AskStep[] {
  return layers.flatMap(({ descriptor, volume }) => {
    if (volume !== null) return removeLayer(array, descriptor, volume);
    const held = releaseHolder(array, descriptorHolder(descriptor));
    return [deleteFile(array, descriptor, ""), { ...held, tolerate: ["not-supported"] }];
  });
}

/** Nothing is held any more in a name. */
export const releaseHolder = (array: EntityId, holder: string, next = "", otherwise?: string) =>
  askArray(array, "vasa-release-holder", { holder }, next, otherwise);
