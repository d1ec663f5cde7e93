/**
 * The image files that disks of a document begin with: qcow2, VMDK or raw, with all files that they
 * lie on. An image is read once, checked against its disk, and becomes the disk's layers.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type DiskImage, readImage } from "../../traces/index.ts";
import type { ImageFile } from "../locate-images.ts";
import type { ResolvedScenario } from "../schema/scenario.generated.ts";
import { type Finding, finding, pointerTo } from "../validate/problem.ts";
import { SECTORS_PER_MIB } from "./fabric.ts";

/** One file of a disk's image; the first one of a disk bears what they all make. */
export interface ImageInput {
  readonly vm: string;
  readonly disk: string;
  readonly name: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly image?: DiskImage;
}

type Named = Omit<ImageFile, "root">;

/** Larger files are not taken into memory: a sparse format of the same disk is smaller. */
const MAX_FILE_BYTES = 1_073_741_824;
/** Space is taken in units of 64 KiB. */
const GRAIN_SECTORS = 128;

export interface ImageInputs {
  readonly inputs: readonly ImageInput[];
  readonly findings: readonly Finding[];
}

/** Reads the images that were found, and the files below them. */
export function loadImages(document: ResolvedScenario, files: readonly ImageFile[]): ImageInputs {
  return readAll(document, files, (top, name) => {
    const path = resolve(top.root, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) return undefined;
    return stat.size > MAX_FILE_BYTES ? "too-large" : readFileSync(path);
  });
}

/** The same from bytes: of a trace that embeds them, in the order in which they were read. */
export function prepareImages(
  document: ResolvedScenario,
  files: readonly (Named & { readonly bytes: Uint8Array })[],
): ImageInputs {
  const isFirst = (file: Named, index: number): boolean =>
    files.findIndex(({ vm, disk }) => vm === file.vm && disk === file.disk) === index;
  return readAll(document, files.filter(isFirst), (top, name) => {
    const of = files.filter(({ vm, disk }) => vm === top.vm && disk === top.disk);
    return of.find((each) => each.name === name)?.bytes;
  });
}

function readAll<Top extends Named>(
  document: ResolvedScenario,
  tops: readonly Top[],
  open: (top: Top, name: string) => Uint8Array | "too-large" | undefined,
): ImageInputs {
  const inputs: ImageInput[] = [];
  const findings: Finding[] = [];
  const taken = new Map<string, number>();
  for (const top of tops) {
    const read = new Map<string, Uint8Array>();
    const pointer = pointerOf(document, top);
    const result = readImage(top.name, (name) => {
      const bytes = read.get(name) ?? open(top, name);
      if (bytes === "too-large") {
        findings.push(finding(pointer, `${name} is larger than 1 GiB`, "a sparse image"));
        return new Uint8Array(0);
      }
      if (bytes !== undefined) read.set(name, bytes);
      return bytes;
    });
    if (!result.ok) {
      if (findings.length === 0) findings.push(finding(pointer, result.message, "a disk image"));
      continue;
    }
    const { image } = result;
    findings.push(...unfit(document, top, image, pointer, taken));
    const { vm, disk } = top;
    for (const name of image.files) {
      const bytes = read.get(name)!;
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      inputs.push({ vm, disk, name, sha256, bytes, ...(name === image.files[0] && { image }) });
    }
  }
  return { inputs, findings };
}

function pointerOf({ vms }: ResolvedScenario, { vm, disk }: Named): string {
  const index = vms.findIndex(({ id }) => id === vm);
  const at = vms[index]!.disks.findIndex(({ id }) => id === disk);
  return pointerTo("/vms", index, "disks", at, "image");
}

/** What keeps the image from being the disk's content; `taken` counts grains by array. */
function unfit(
  { vms, arrays }: ResolvedScenario,
  file: Named,
  image: DiskImage,
  pointer: string,
  taken: Map<string, number>,
): readonly Finding[] {
  const vm = vms.find(({ id }) => id === file.vm)!;
  const { sizeMiB, on } = vm.disks.find(({ id }) => id === file.disk)!;
  const { sectors } = image;
  if (sectors > sizeMiB * SECTORS_PER_MIB) {
    const message = `${file.name} is a disk of ${sectors} sectors, larger than the ${sizeMiB} MiB`;
    const expected = `sizeMiB of at least ${Math.ceil(sectors / SECTORS_PER_MIB)}`;
    return [finding(pointer, `${message} of ${file.disk}`, expected)];
  }
  const capacityMiB = arrays.find(({ id }) => id === on)?.capacityMiB;
  if (capacityMiB === undefined) return [];
  const before = taken.get(on) ?? 0;
  const grains = grainsOf(image);
  taken.set(on, before + grains);
  const takesMiB = Math.ceil((grains * GRAIN_SECTORS) / SECTORS_PER_MIB);
  const leftMiB = capacityMiB - Math.ceil((before * GRAIN_SECTORS) / SECTORS_PER_MIB);
  if (takesMiB <= leftMiB) return [];
  const message = `${file.name} takes ${takesMiB} MiB, and ${on} has ${leftMiB} MiB left`;
  return [finding(pointer, message, "a larger array, or a smaller image")];
}

function grainsOf({ layers }: DiskImage): number {
  let grains = 0;
  for (const { content } of layers) {
    let past = 0;
    for (const range of content.allocatedRuns()) {
      const first = Math.max(past, Math.floor(range.sector / GRAIN_SECTORS));
      past = Math.ceil((range.sector + range.sectors) / GRAIN_SECTORS);
      grains += Math.max(0, past - first);
    }
  }
  return grains;
}
