/** Finds the image files that disks of a document begin with. */
import { dirname, resolve } from "node:path";
import { locateInput } from "./locate-input.ts";
import type { ResolvedScenario } from "./schema/scenario.generated.ts";
import { type Finding, finding, pointerTo } from "./validate/problem.ts";

/** An image, and the folder from which its name, and those of the files below it, lead to them. */
export interface ImageFile {
  readonly vm: string;
  readonly disk: string;
  /** As the document names it. */
  readonly name: string;
  readonly root: string;
}

export async function locateImages(
  document: ResolvedScenario,
  documentPath: string,
): Promise<{ readonly images: readonly ImageFile[]; readonly findings: readonly Finding[] }> {
  const folder = dirname(documentPath);
  const images: ImageFile[] = [];
  const findings: Finding[] = [];
  for (const [index, { id: vm, disks }] of document.vms.entries()) {
    for (const [at, { id: disk, image: name }] of disks.entries()) {
      if (name === undefined) continue;
      const path = await locateInput(name, folder);
      if (path !== undefined) {
        images.push({ vm, disk, name, root: rootOf(path, name, folder) });
        continue;
      }
      const expected = "a path from the document's folder, or from Orrery's";
      const pointer = pointerTo("/vms", index, "disks", at, "image");
      findings.push(finding(pointer, `there is no file ${name}`, expected));
    }
  }
  return { images, findings };
}

/** The document's folder, or the one of Orrery's in which it was found. */
function rootOf(path: string, name: string, folder: string): string {
  if (resolve(folder, name) === path) return folder;
  return path.slice(0, path.length - name.length);
}
