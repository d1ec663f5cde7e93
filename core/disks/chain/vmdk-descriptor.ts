/**
 * The text of a VMDK descriptor (VMware, Virtual Disk Format 1.1): content ids, the parent, the
 * extents and the disk data base. One codec for the descriptors of modelled disks and for images
 * that other tools write or read.
 *
 * Must hold: what is written parses to the same value, whatever stands in it; a damaged text gives
 * a problem with a code and a line, never a descriptor that was guessed.
 */

export type VmdkExtent = {
  readonly access: "RW" | "RDONLY" | "NOACCESS";
  readonly sectors: number;
  /** `FLAT`, `SPARSE`, `ZERO`, `VMFS`, `VMFSSPARSE`, ... */
  readonly type: string;
  /** Name of the file or volume; empty for `ZERO`. */
  readonly file: string;
  /** First sector of the extent in its file. */
  readonly offset: number;
};

export type VmdkText = {
  /** 32 bits that name the content; a child holds those of its parent's. */
  readonly contentId: number;
  /** Null: no parent (written as ffffffff). */
  readonly parentContentId: number | null;
  /** File name of the parent's descriptor; null without a parent. */
  readonly parentHint: string | null;
  readonly createType: string;
  readonly extents: readonly VmdkExtent[];
  /** Entries of the disk data base, without the leading `ddb.`, in order. */
  readonly dataBase: readonly (readonly [key: string, value: string])[];
};

export type DescriptorProblem = {
  readonly code:
    | "not-a-descriptor"
    | "unsupported-version"
    | "damaged-line"
    | "duplicate-field"
    | "missing-field"
    | "bad-content-id"
    | "bad-extent"
    | "parent-mismatch";
  readonly message: string;
  /** Counted from 1; 0: the text as a whole. */
  readonly line: number;
};

export type ParsedDescriptor =
  | { readonly ok: true; readonly descriptor: VmdkText }
  | { readonly ok: false; readonly problem: DescriptorProblem };

const MAGIC = "# Disk DescriptorFile";
const NO_PARENT = 0xffff_ffff;
/** A disk of more is none that the format can hold. */
const MAX_EXTENT_SECTORS = 2 ** 48;

export function writeVmdkText(descriptor: VmdkText): string {
  const { contentId, parentContentId, parentHint, createType, extents, dataBase } = descriptor;
  const lines = [
    MAGIC,
    "version=1",
    `CID=${hex8(contentId)}`,
    `parentCID=${hex8(parentContentId ?? NO_PARENT)}`,
    `createType="${createType}"`,
    ...(parentHint === null ? [] : [`parentFileNameHint="${parentHint}"`]),
    "",
    "# Extent description",
    ...extents.map(extentLine),
    "",
    "# The Disk Data Base",
    "#DDB",
    "",
    ...dataBase.map(([key, value]) => `ddb.${key} = "${value}"`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Geometry and adapter as other tools expect them of a disk of this size. */
export function geometryEntries(sectors: number): readonly (readonly [string, string])[] {
  const heads = 16;
  const perTrack = 63;
  const cylinders = Math.min(16_383, Math.max(1, Math.floor(sectors / heads / perTrack)));
  return [
    ["virtualHWVersion", "4"],
    ["geometry.cylinders", String(cylinders)],
    ["geometry.heads", String(heads)],
    ["geometry.sectors", String(perTrack)],
    ["adapterType", "ide"],
  ];
}

function extentLine({ access, sectors, type, file, offset }: VmdkExtent): string {
  if (type === "ZERO") return `${access} ${sectors} ZERO`;
  const start = type === "FLAT" || offset > 0 ? ` ${offset}` : "";
  return `${access} ${sectors} ${type} "${file}"${start}`;
}

const hex8 = (value: number): string => value.toString(16).padStart(8, "0");

/** Padding with NULs, as some tools leave it, and both kinds of line end are taken. */
export function parseVmdkText(text: string): ParsedDescriptor {
  const lines = text.replace(/\0+$/, "").split(/\r?\n/);
  if (lines[0]?.trim() !== MAGIC) {
    return failed("not-a-descriptor", `does not begin with "${MAGIC}"`, 1);
  }
  const fields = new Map<string, string>();
  const extents: VmdkExtent[] = [];
  const dataBase: [string, string][] = [];
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at]!.trim();
    if (line === "" || line.startsWith("#")) continue;
    const problem = parseLine(line, at + 1, fields, extents, dataBase);
    if (problem !== undefined) return { ok: false, problem };
  }
  return assemble(fields, extents, dataBase);
}

function parseLine(
  line: string,
  number: number,
  fields: Map<string, string>,
  extents: VmdkExtent[],
  dataBase: [string, string][],
): DescriptorProblem | undefined {
  const isExtent = line.startsWith("R") || line.startsWith("N");
  if (isExtent && /^(RW|RDONLY|NOACCESS)\s/.test(line)) {
    const extent = parseExtent(line);
    if (extent === undefined) return problemOf("bad-extent", `no extent: ${line}`, number);
    extents.push(extent);
    return undefined;
  }
  const entry = entryOf(line);
  if (entry === undefined) {
    return problemOf("damaged-line", `neither field nor extent: ${line}`, number);
  }
  const [key, value] = entry;
  if (key.startsWith("ddb.")) dataBase.push([key.slice("ddb.".length), value]);
  else if (fields.has(key)) return problemOf("duplicate-field", `${key} stands twice`, number);
  else fields.set(key, value);
  return undefined;
}

/** `key = value` or `key = "value"`; there is no quote in a value. */
function entryOf(line: string): readonly [key: string, value: string] | undefined {
  const at = line.indexOf("=");
  const key = line.slice(0, Math.max(at, 0)).trimEnd();
  if (!/^[\w.]+$/.test(key)) return undefined;
  const given = line.slice(at + 1).trimStart();
  const isQuoted = given.length > 1 && given.startsWith('"') && given.endsWith('"');
  const value = isQuoted ? given.slice(1, -1) : given;
  return value.includes('"') ? undefined : [key, value];
}

function parseExtent(line: string): VmdkExtent | undefined {
  const match = /^(RW|RDONLY|NOACCESS)\s+(\d+)\s+([A-Z]+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?$/.exec(
    line,
  );
  if (match === null) return undefined;
  const [, access, count, type = "", file = "", start = "0"] = match;
  const sectors = Number(count);
  const offset = Number(start);
  if (sectors === 0 || sectors + offset > MAX_EXTENT_SECTORS) return undefined;
  if ((type === "ZERO") !== (file === "")) return undefined;
  return { access: access as VmdkExtent["access"], sectors, type, file, offset };
}

function assemble(
  fields: ReadonlyMap<string, string>,
  extents: readonly VmdkExtent[],
  dataBase: readonly (readonly [string, string])[],
): ParsedDescriptor {
  for (const needed of ["version", "CID", "parentCID", "createType"]) {
    if (!fields.has(needed)) return failed("missing-field", `no ${needed}`, 0);
  }
  const version = fields.get("version")!;
  if (!/^[123]$/.test(version)) return failed("unsupported-version", `version ${version}`, 0);
  const contentId = parseContentId(fields.get("CID")!);
  const parentId = parseContentId(fields.get("parentCID")!);
  if (contentId === undefined) return failed("bad-content-id", `CID=${fields.get("CID")}`, 0);
  if (parentId === undefined) {
    return failed("bad-content-id", `parentCID=${fields.get("parentCID")}`, 0);
  }
  if (extents.length === 0) return failed("missing-field", "no extent", 0);
  const parentHint = fields.get("parentFileNameHint") ?? null;
  const parentContentId = parentId === NO_PARENT ? null : parentId;
  if (parentContentId === null ? parentHint !== null : parentHint === null) {
    const message = "parentCID and parentFileNameHint do not say the same of a parent";
    return failed("parent-mismatch", message, 0);
  }
  const createType = fields.get("createType")!;
  const descriptor = { contentId, parentContentId, parentHint, createType, extents, dataBase };
  return { ok: true, descriptor };
}

const parseContentId = (text: string): number | undefined =>
  /^[0-9a-fA-F]{1,8}$/.test(text) ? parseInt(text, 16) : undefined;

function problemOf(
  code: DescriptorProblem["code"],
  message: string,
  line: number,
): DescriptorProblem {
  return { code, message, line };
}

const failed = (
  code: DescriptorProblem["code"],
  message: string,
  line: number,
): ParsedDescriptor => ({ ok: false, problem: problemOf(code, message, line) });
