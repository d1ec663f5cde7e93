/**
 * A disk from image files: qcow2, VMDK and raw, alone or as a chain of files, with the points in
 * time that are kept inside. Whatever the files hold, the answer is an image or one problem.
 */
import { basename } from "node:path";
import { SECTOR_BYTES, SectorContent } from "../../../core/kernel/index.ts";
import type { FindFile, ImageLayer } from "./image-layer.ts";
import { damaged, encrypted, ImageProblem, unsupported } from "./image-problem.ts";
import type { ImageProblemCode } from "./image-problem.ts";
import { ImageView } from "./image-view.ts";
import { QCOW2_MAGIC, readQcow2 } from "./read-qcow2.ts";
import { readVmdk, writeUnlessZero } from "./read-vmdk.ts";
import { DESCRIPTOR_START } from "./vmdk-descriptor.ts";
import { isSparse } from "./vmdk-sparse.ts";

/** One layer of a disk: what it holds on top of the layers before it. */
export interface DiskImageLayer {
  readonly content: SectorContent;
  /** Name of the point in time that the disk up to here is; null: just a layer. */
  readonly pointInTime: string | null;
}

export interface DiskImage {
  readonly sectors: number;
  /** Base first; all of the disk's size. */
  readonly layers: readonly DiskImageLayer[];
  /** Every file that was read, the image itself first. */
  readonly files: readonly string[];
}

export type ImageResult =
  | { readonly ok: true; readonly image: DiskImage }
  | { readonly ok: false; readonly code: ImageProblemCode; readonly message: string };

/** A chain of more files than this is none that anybody made on purpose. */
const MAX_CHAIN = 256;

/**
 * Reads the image in `file`. `open` gives the bytes of a file by the path at which it lies beside
 * the others (`base.qcow2`, `sub/base.qcow2`); undefined when there is none.
 */
export function readImage(
  file: string,
  open: (file: string) => Uint8Array | undefined,
): ImageResult {
  try {
    return { ok: true, image: readChain(file, open) };
  } catch (error) {
    if (!(error instanceof ImageProblem)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}

function readChain(file: string, open: (file: string) => Uint8Array | undefined): DiskImage {
  const files: string[] = [];
  const take = (name: string, from: string): Uint8Array => {
    const bytes = open(name);
    if (bytes === undefined) {
      const message =
        from === "" ? `there is no file ${name}` : `${from} needs ${name}: no such file`;
      throw new ImageProblem("missing-file", message);
    }
    if (!files.includes(name)) files.push(name);
    return bytes;
  };
  const find: FindFile = (from, name) => {
    const path = beside(from, name);
    return { file: path, bytes: take(path, from) };
  };
  const chain: ImageLayer[] = [];
  const visited: string[] = [];
  let format: Format | null = null;
  let expected: number | null = null;
  for (let at: string | null = file; at !== null;) {
    const from = visited.at(-1) ?? "";
    if (visited.includes(at)) {
      const circle = [...visited.slice(visited.indexOf(at)), at].join(" on ");
      throw new ImageProblem("cyclic-chain", `${from} is its own ancestor: ${circle}`);
    }
    if (visited.length === MAX_CHAIN) throw damaged(at, `a chain of more than ${MAX_CHAIN} files`);
    visited.push(at);
    const layer = readLayer(new ImageView(at, take(at, from)), format, find);
    if (expected !== null && layer.contentId !== expected) {
      const message = `${from} was made on ${at} with CID ${hex(expected)}, which is now ${hex(layer.contentId ?? 0)}`;
      throw new ImageProblem("content-id-mismatch", message);
    }
    chain.unshift(layer);
    expected = layer.below?.contentId ?? null;
    format = layer.below?.format ?? null;
    at = layer.below === null ? null : beside(at, layer.below.path);
  }
  return { ...assemble(chain), files };
}

const hex = (contentId: number): string => contentId.toString(16).padStart(8, "0");

type Format = "raw" | "qcow2" | "vmdk";

function readLayer(view: ImageView, said: Format | null, find: FindFile): ImageLayer {
  switch (said ?? formatOf(view)) {
    case "qcow2":
      if (view.u32be(0, "the header") !== QCOW2_MAGIC) throw damaged(view.file, "it is no qcow2");
      return readQcow2(view);
    case "vmdk":
      return readVmdk(view, find);
    case "raw":
      return readRaw(view);
  }
}

const RAW_NAMES = /\.(raw|img|bin|iso)$/i;
/** What others begin with, at the byte given. */
const FOREIGN: readonly (readonly [number, string, string])[] = [
  [0, "conectix", "VHD"],
  [0, "vhdxfile", "VHDX"],
  [0, "QED\0", "QED"],
  [0, "\x1f\x8b", "gzip"],
  [64, "\x7f\x10\xda\xbe", "VDI"],
];

/** Told by magic; a raw image has none, so it is told by its name. */
function formatOf(view: ImageView): Format {
  const starts = (at: number, text: string): boolean =>
    Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)).every(
      (code, index) => view.bytes[at + index] === code,
    );
  if (starts(0, "QFI\xfb")) return "qcow2";
  if (isSparse(view) || starts(0, DESCRIPTOR_START)) return "vmdk";
  if (starts(0, "LUKS\xba\xbe")) throw encrypted(view.file, "LUKS");
  const foreign = FOREIGN.find(([at, magic]) => starts(at, magic));
  if (foreign !== undefined) throw unsupported(view.file, foreign[2]);
  if (RAW_NAMES.test(view.file)) return "raw";
  throw unsupported(view.file, "neither qcow2 nor VMDK, and not named .raw or .img");
}

function readRaw(view: ImageView): ImageLayer {
  if (view.size % SECTOR_BYTES !== 0) {
    throw damaged(view.file, `${view.size} bytes are not whole sectors`);
  }
  const sectors = view.size / SECTOR_BYTES;
  const content = new SectorContent(sectors);
  writeUnlessZero(content, 0, view.bytes);
  return { sectors, content, below: null, snapshots: [], contentId: null };
}

/** A name as `from` gives it, seen from the folder of the first file. */
function beside(from: string, name: string): string {
  const plain = name.startsWith("file:") ? name.slice("file:".length) : name;
  if (/^[a-z][a-z0-9+.-]+:/i.test(plain)) throw unsupported(from, `it lies on ${name}`);
  if (plain.startsWith("/")) return plain;
  const folder = from.slice(0, from.length - basename(from).length);
  const parts: string[] = [];
  for (const part of `${folder}${plain}`.split("/")) {
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return (folder.startsWith("/") ? "/" : "") + parts.join("/");
}

/** Layers of the size of the disk; snapshots inside the last file become layers of their own. */
function assemble(chain: readonly ImageLayer[]): Omit<DiskImage, "files"> {
  const top = chain.at(-1)!;
  const layers: DiskImageLayer[] = [];
  for (const { content, sectors } of chain.slice(0, -1)) {
    // What is below shows only as far as each layer above it reaches.
    for (const below of layers) if (below.content.sectors > sectors) below.content.resize(sectors);
    layers.push({ content, pointInTime: null });
  }
  for (const { content } of layers) content.resize(top.sectors);
  if (top.snapshots.length === 0) layers.push({ content: top.content, pointInTime: null });
  else layers.push(...statesAsLayers(layers, top));
  return { sectors: top.sectors, layers };
}

/** States inside one file may take clusters back, so each is compared with the one before it. */
function statesAsLayers(below: readonly DiskImageLayer[], top: ImageLayer): DiskImageLayer[] {
  const { sectors, snapshots, content } = top;
  const base = below.length === 0 ? undefined : laidOver(sectors, below);
  const states = [...snapshots, { name: null, content }];
  let before = base;
  return states.map((state) => {
    state.content.resize(sectors);
    const after =
      base === undefined ? state.content : laidOver(sectors, [{ content: base }, state]);
    const change = changeOf(before, after);
    before = after;
    return { content: change, pointInTime: state.name };
  });
}

/** What has to be laid over `before` to read as `after`. */
function changeOf(before: SectorContent | undefined, after: SectorContent): SectorContent {
  if (before === undefined) return after;
  const change = new SectorContent(after.sectors);
  for (const { sector, sectors } of before.diffRanges(after)) {
    change.write(sector, after.read(sector, sectors));
  }
  return change;
}

/** The disk as it reads: all layers, one over the other. */
export function imageContent({ sectors, layers }: DiskImage): SectorContent {
  return laidOver(sectors, layers);
}

function laidOver(
  sectors: number,
  layers: readonly Pick<DiskImageLayer, "content">[],
): SectorContent {
  const flat = new SectorContent(sectors);
  for (const { content } of layers) {
    for (const range of content.allocatedRuns()) {
      flat.write(range.sector, content.read(range.sector, range.sectors));
    }
  }
  return flat;
}
