/** Reads VMDK images: a descriptor, alone or inside a sparse file, and the extents that it names. */
import { MAX_SECTORS, SECTOR_BYTES, SectorContent } from "../../../core/kernel/index.ts";
import type { FindFile, ImageLayer } from "./image-layer.ts";
import { damaged } from "./image-problem.ts";
import { ImageView } from "./image-view.ts";
import { MAX_DESCRIPTOR_BYTES, parseDescriptor, type VmdkExtent } from "./vmdk-descriptor.ts";
import { embeddedDescriptor, isSparse, readSparse } from "./vmdk-sparse.ts";

/** Sectors that are looked at together for holes: 64 KiB. */
const UNIT_SECTORS = 128;

export function readVmdk(view: ImageView, find: FindFile): ImageLayer {
  const inside = isSparse(view);
  const text = inside ? embeddedDescriptor(view) : descriptorText(view);
  if (text === undefined) throw damaged(view.file, "an extent without its descriptor");
  const { contentId, parentContentId, parentFile, extents } = parseDescriptor(view.file, text);
  const sectors = extents.reduce((sum, extent) => sum + extent.sectors, 0);
  if (sectors > MAX_SECTORS) throw damaged(view.file, `a disk of ${sectors} sectors`);
  const content = new SectorContent(sectors);
  let first = 0;
  for (const extent of extents) {
    // The one extent of a monolithic file is that file, whatever it is called by now.
    const own = inside && extents.length === 1;
    readExtent(view, extent, content, first, own ? undefined : find);
    first += extent.sectors;
  }
  const below =
    parentContentId === null
      ? null
      : { path: parentFile, format: "vmdk" as const, contentId: parentContentId };
  return { sectors, content, below, snapshots: [], contentId };
}

function descriptorText(view: ImageView): string {
  const length = Math.min(view.size, MAX_DESCRIPTOR_BYTES);
  return view.text(0, length, "the descriptor");
}

function readExtent(
  from: ImageView,
  extent: VmdkExtent,
  content: SectorContent,
  first: number,
  find: FindFile | undefined,
): void {
  if (extent.kind === "zero") return;
  let view = from;
  if (find !== undefined) {
    const found = find(from.file, extent.file);
    view = new ImageView(found.file, found.bytes);
  }
  if (extent.kind === "sparse") {
    if (!isSparse(view)) throw damaged(view.file, "it is named as a sparse extent and is none");
    return readSparse(view, content, first, extent.sectors);
  }
  const at = extent.offset * SECTOR_BYTES;
  const bytes = view.span(at, extent.sectors * SECTOR_BYTES, "an extent");
  writeUnlessZero(content, first, bytes);
}

/** Writes bytes of a flat file; where whole units are zeros they stay unwritten. */
export function writeUnlessZero(content: SectorContent, first: number, bytes: Uint8Array): void {
  const unitBytes = UNIT_SECTORS * SECTOR_BYTES;
  for (let at = 0; at < bytes.length; at += unitBytes) {
    const unit = bytes.subarray(at, at + unitBytes);
    if (unit.some((byte) => byte !== 0)) content.writeBytes(first + at / SECTOR_BYTES, unit, true);
  }
}
