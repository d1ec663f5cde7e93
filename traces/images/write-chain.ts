/**
 * A disk as a chain of image files, one a layer: qcow2 with backing files, or sparse VMDK with
 * parents and their content ids.
 */
import { basename } from "node:path";
import type { SectorContent } from "../../core/kernel/index.ts";
import type { ImageSource } from "./image-source.ts";
import { writeQcow2 } from "./qcow2.ts";
import { writeVmdkSparse } from "./vmdk.ts";

export type ChainFormat = "qcow2" | "vmdk";

export interface ChainSource {
  /** What the layer itself holds. */
  readonly content: SectorContent;
  /** CID of a VMDK; a child names its parent's. */
  readonly contentId: number;
}

/**
 * Writes `layers`, base first. The last one is `path`; those below lie beside it as
 * `NAME-layer0.EXT` and so on. Returns all files, base first.
 */
export function writeChain(
  path: string,
  format: ChainFormat,
  layers: readonly ChainSource[],
): readonly string[] {
  const files = layers.map((_, index) =>
    index === layers.length - 1 ? path : path.replace(/\.[^./]+$/, `-layer${index}$&`),
  );
  const view = layers[0]!.content.fork();
  layers.forEach(({ content, contentId }, index) => {
    if (index > 0) layOver(view, content);
    const below = files[index - 1];
    const source = layerSource(content, view);
    if (format === "qcow2") {
      const backing = below === undefined ? {} : { backing: { path: basename(below), format } };
      return writeQcow2(files[index]!, source, backing);
    }
    const parent =
      below === undefined
        ? {}
        : { parent: { path: basename(below), contentId: layers[index - 1]!.contentId } };
    writeVmdkSparse(files[index]!, source, { contentId, ...parent });
  });
  return files;
}

/** Allocation of the layer, content through all below it: units that it holds in part are whole. */
function layerSource(layer: SectorContent, view: SectorContent): ImageSource {
  return {
    sectors: layer.sectors,
    allocatedRuns: (sector, sectors) => layer.allocatedRuns(sector, sectors),
    readInto: (sector, sectors, out) => view.readInto(sector, sectors, out),
  };
}

function layOver(view: SectorContent, layer: SectorContent): void {
  for (const { sector, sectors } of layer.allocatedRuns()) {
    view.write(sector, layer.read(sector, sectors));
  }
}
