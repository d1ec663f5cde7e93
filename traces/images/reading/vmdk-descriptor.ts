/** The text of a VMDK descriptor (VMware, Virtual Disk Format 1.1), taken apart. */
import { damaged, encrypted, unsupported } from "./image-problem.ts";

export interface VmdkExtent {
  readonly sectors: number;
  readonly kind: "flat" | "sparse" | "zero";
  /** File of the extent, as the descriptor names it; empty for zeros. */
  readonly file: string;
  /** Of a flat extent: its first sector in the file. */
  readonly offset: number;
}

export interface VmdkDescriptor {
  readonly contentId: number;
  /** Null: no parent. */
  readonly parentContentId: number | null;
  readonly parentFile: string;
  readonly extents: readonly VmdkExtent[];
}

export const DESCRIPTOR_START = "# Disk DescriptorFile";
/** Longer texts are no descriptors. */
export const MAX_DESCRIPTOR_BYTES = 1 << 20;

const NO_PARENT = 0xffff_ffff;
const EXTENT = /^(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+([A-Z0-9]+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?/;
const KINDS: { readonly [word: string]: VmdkExtent["kind"] } = {
  FLAT: "flat",
  VMFS: "flat",
  SPARSE: "sparse",
  VMFSSPARSE: "sparse",
  ZERO: "zero",
};

export function parseDescriptor(file: string, text: string): VmdkDescriptor {
  const values = new Map<string, string>();
  const extents: VmdkExtent[] = [];
  for (const line of text.split("\0", 1)[0]!.split(/\r?\n/)) {
    const extent = extentOf(file, line.trim());
    if (extent !== undefined) extents.push(extent);
    const [, key, value] = /^\s*([A-Za-z][\w.]*)\s*=\s*"?([^"]*)"?\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(key.toLowerCase(), value.trim());
  }
  if (values.has("encryption.keysafe") || values.has("encryption.data")) {
    throw encrypted(file, "VMDK");
  }
  if (extents.length === 0) throw damaged(file, "its descriptor names no extent");
  const parent = contentIdOf(file, values.get("parentcid") ?? "ffffffff");
  const parentFile = values.get("parentfilenamehint") ?? "";
  if (parent !== NO_PARENT && parentFile === "") {
    throw damaged(file, "its descriptor has a parentCID and names no parent");
  }
  return {
    contentId: contentIdOf(file, values.get("cid") ?? ""),
    parentContentId: parent === NO_PARENT ? null : parent,
    parentFile,
    extents,
  };
}

function contentIdOf(file: string, text: string): number {
  if (!/^[0-9a-fA-F]{1,8}$/.test(text)) throw damaged(file, `"${text}" is no content id`);
  return Number.parseInt(text, 16);
}

function extentOf(file: string, line: string): VmdkExtent | undefined {
  if (!/^(RW|RDONLY|NOACCESS)\b/.test(line)) return undefined;
  const [, sectors, word = "", name = "", offset = "0"] = EXTENT.exec(line) ?? [];
  const count = Number(sectors);
  if (!Number.isSafeInteger(count) || count <= 0) throw damaged(file, `extent "${line}"`);
  const kind = KINDS[word];
  if (kind === undefined) throw unsupported(file, `VMDK with an extent of kind ${word}`);
  if (kind !== "zero" && name === "") throw damaged(file, `extent "${line}" names no file`);
  return { sectors: count, kind, file: name, offset: Number(offset) };
}
