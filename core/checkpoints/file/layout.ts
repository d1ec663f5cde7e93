/**
 * A checkpoint file, in sectors: head (what it is of), commit record, storage blocks, then what was
 * known only at the end: device state and maps. Changing it is a new version.
 *
 * Must hold: the commit record is written last, when all else was flushed, and is one sector, so it is
 * there or not; without it the file is nothing. Reading trusts nothing: every part has a checksum
 * that the part before it, or the commit record, holds.
 */
import { type ContentRun, hashHex, SECTOR_BYTES } from "../../kernel/index.ts";
import { bytesOf, ByteReader, ByteWriter, checksum, padded } from "./bytes.ts";
import { decodeMaps, encodeMaps, type Maps } from "./maps.ts";
import { bad, type Checked, sound } from "./problem.ts";

export const FILE_VERSION = 1;
/** Blocks may have been saved again, and the working set is known. */
export const WORKING_SET_VERSION = 2;
/** What stands on another checkpoint: a reader that does not know that must not take it. */
const BASED_VERSION = 3;
/** What was merged of a chain, and stands for the newest file of that. */
const MERGED_VERSION = 4;
const KNOWN_VERSIONS: readonly number[] = [
  FILE_VERSION,
  WORKING_SET_VERSION,
  BASED_VERSION,
  MERGED_VERSION,
];
const HEAD_SECTORS = 8;
export const COMMIT_SECTOR = 8;
/** Where storage blocks begin. */
export const DATA_SECTOR = COMMIT_SECTOR + 1;

const HEAD_MAGIC = "orreryCK";
const COMMIT_MAGIC = "orreryOK";
const MAGIC_BYTES = 8;
const CHECKSUM_BYTES = 8;
const encoder = new TextEncoder();

/** What a checkpoint is of. */
export type Head = {
  readonly vm: string;
  readonly checkpoint: string;
  /** What the machine is made of: memory, processors, devices, guest. */
  readonly machine: string;
  readonly pages: number;
  readonly blockPages: number;
  /** Checkpoint below: blocks that are missing here are there; null: all are here. */
  readonly base: Base | null;
  /** `identity` of the file in whose place it is: what stands on that one stands on this one. */
  readonly standsFor?: string;
};

/** A checkpoint that another one stands on: that one file, and no other of its name. */
export type Base = {
  readonly checkpoint: string;
  /** `identity` of its file. */
  readonly identity: string;
};

/** Where the end of the file is, and how it is known to be whole. */
export type CommitRecord = {
  /** Where the device state begins; the maps follow. */
  readonly tailSector: number;
  readonly stateBytes: number;
  readonly stateSectors: number;
  readonly mapSectors: number;
  readonly headChecksum: bigint;
  readonly stateChecksum: bigint;
  readonly mapChecksum: bigint;
};

export const blocksOf = ({ pages, blockPages }: Head): number => Math.ceil(pages / blockPages);

/** Pages of a block: the last one may have fewer. */
export const pagesOfBlock = (
  { pages, blockPages }: Pick<Head, "pages" | "blockPages">,
  block: number,
): number => Math.max(0, Math.min(blockPages, pages - block * blockPages));

function versionOf({ base, standsFor }: Head): number {
  if (standsFor !== undefined) return MERGED_VERSION;
  return base === null ? FILE_VERSION : BASED_VERSION;
}

export function encodeHead(head: Head, version = versionOf(head)): Uint8Array {
  const out = new ByteWriter();
  const text = encoder.encode(
    JSON.stringify([
      head.vm,
      head.checkpoint,
      head.machine,
      head.pages,
      head.blockPages,
      head.base === null ? null : [head.base.checkpoint, head.base.identity],
      ...(head.standsFor === undefined ? [] : [head.standsFor]),
    ]),
  );
  out.bytes(encoder.encode(HEAD_MAGIC));
  out.varint(version);
  out.varint(text.length);
  out.bytes(text);
  return sealed(out, HEAD_SECTORS);
}

export function encodeCommit(record: CommitRecord): Uint8Array {
  const out = new ByteWriter();
  out.bytes(encoder.encode(COMMIT_MAGIC));
  out.varint(record.tailSector);
  out.varint(record.stateBytes);
  out.varint(record.stateSectors);
  out.varint(record.mapSectors);
  out.word64(record.headChecksum);
  out.word64(record.stateChecksum);
  out.word64(record.mapChecksum);
  return sealed(out, 1);
}

/** Filled up with zeros, the last eight bytes a checksum of all before. */
function sealed(out: ByteWriter, sectors: number): Uint8Array {
  const whole = new Uint8Array(sectors * SECTOR_BYTES);
  const room = whole.length - CHECKSUM_BYTES;
  whole.set(out.sectors().subarray(0, room));
  const view = new DataView(whole.buffer);
  view.setBigUint64(room, checksum(whole.subarray(0, room)), true);
  return whole;
}

/** What is under the seal; undefined when that is broken. */
function unsealed(bytes: Uint8Array): Uint8Array | undefined {
  const room = bytes.length - CHECKSUM_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole = view.getBigUint64(room, true) === checksum(bytes.subarray(0, room));
  return isWhole ? bytes.subarray(0, room) : undefined;
}

export type Opened = {
  readonly head: Head;
  readonly commit: CommitRecord;
  /** Checksum of the commit record, and so of all that its checksums stand for. */
  readonly identity: string;
};

/** Of the file's first sectors, up to `DATA_SECTOR`. */
export function decodeOpening(runs: readonly ContentRun[]): Checked<Opened> {
  const bytes = bytesOf(runs);
  if (bytes.length !== DATA_SECTOR * SECTOR_BYTES) return bad("truncated", "its head is cut off");
  const headBytes = bytes.subarray(0, HEAD_SECTORS * SECTOR_BYTES);
  const head = decodeHead(headBytes);
  if (!head.ok) return head;
  const commitBytes = bytes.subarray(COMMIT_SECTOR * SECTOR_BYTES);
  if (commitBytes.every((byte) => byte === 0)) {
    return bad("not-committed", "it was never finished: there is no commit record");
  }
  const commit = decodeCommit(commitBytes);
  if (!commit.ok) return commit;
  if (commit.value.headChecksum !== checksum(headBytes)) {
    return bad("damaged", "its commit record belongs to another head");
  }
  return sound({
    head: head.value,
    commit: commit.value,
    identity: hashHex(checksum(commitBytes)),
  });
}

function decodeHead(bytes: Uint8Array): Checked<Head> {
  const from = new ByteReader(bytes);
  if (!isText(from.bytes(MAGIC_BYTES), HEAD_MAGIC)) {
    return bad("not-a-checkpoint", "it does not begin like a checkpoint file");
  }
  const version = from.varint();
  if (unsealed(bytes) === undefined) return bad("damaged", "its head has another checksum");
  if (!KNOWN_VERSIONS.includes(version)) {
    return bad("unsupported-version", `version ${version}; known: ${KNOWN_VERSIONS.join(", ")}`);
  }
  const text = from.bytes(from.varint());
  const head = from.failed ? undefined : parseHead(new TextDecoder().decode(text));
  return head === undefined ? bad("damaged", "its head is no head") : sound(head);
}

function parseHead(text: string): Head | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length < 6 || parsed.length > 7) return undefined;
  const [vm, checkpoint, machine, pages, blockPages, base, standsFor] = parsed as unknown[];
  if (typeof vm !== "string" || typeof checkpoint !== "string") return undefined;
  if (typeof machine !== "string" || !isCount(pages) || !isCount(blockPages)) return undefined;
  const below = base === null ? null : parseBase(base);
  if (below === undefined) return undefined;
  const head = { vm, checkpoint, machine, pages, blockPages, base: below };
  if (parsed.length === 6) return head;
  return typeof standsFor === "string" ? { ...head, standsFor } : undefined;
}

function parseBase(value: unknown): Base | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [checkpoint, identity] = value as unknown[];
  if (typeof checkpoint !== "string" || typeof identity !== "string") return undefined;
  return { checkpoint, identity };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0;

function decodeCommit(bytes: Uint8Array): Checked<CommitRecord> {
  const body = unsealed(bytes);
  const from = new ByteReader(body ?? new Uint8Array(0));
  const isRecord = isText(from.bytes(MAGIC_BYTES), COMMIT_MAGIC);
  const record: CommitRecord = {
    tailSector: from.varint(),
    stateBytes: from.varint(),
    stateSectors: from.varint(),
    mapSectors: from.varint(),
    headChecksum: from.word64(),
    stateChecksum: from.word64(),
    mapChecksum: from.word64(),
  };
  return isRecord && from.atEnd() ? sound(record) : bad("damaged", "its commit record is damaged");
}

const isText = (bytes: Uint8Array, text: string): boolean =>
  bytes.length === text.length && bytes.every((byte, i) => byte === text.charCodeAt(i));

/** Whether it is of this machine of this VM. */
export function checkHead(head: Head, expected: Pick<Head, "vm" | "machine">): Checked<Head> {
  if (head.vm !== expected.vm) return bad("wrong-vm", `of ${head.vm}, not of ${expected.vm}`);
  if (head.machine !== expected.machine) {
    return bad("wrong-machine", `of another machine (${head.machine}, not ${expected.machine})`);
  }
  return sound(head);
}

/** Whether it is what the file above, of the same machine, stands on. */
export function checkBase({ head, identity }: Opened, above: Head): Checked<Head> {
  const { checkpoint, identity: expected } = above.base!;
  const ours = checkHead(head, above);
  if (!ours.ok) return ours;
  const isIt = identity === expected || head.standsFor === expected;
  if (head.checkpoint !== checkpoint || !isIt || head.pages !== above.pages) {
    const told = `${above.checkpoint} stands on another file than the one that is there`;
    return bad("wrong-base", `${told} (${identity}, not ${expected})`);
  }
  return sound(head);
}

export type Tail = { readonly state: Uint8Array; readonly maps: Maps };

export const tailSectors = ({ stateSectors, mapSectors }: CommitRecord): number =>
  stateSectors + mapSectors;

/** Device state and maps as they are written to `tailSector`, and the record that commits all. */
export function encodeTail(
  head: Uint8Array,
  tailSector: number,
  state: Uint8Array,
  maps: Maps,
): { readonly bytes: Uint8Array; readonly commit: CommitRecord } {
  const states = padded(state);
  const mapped = encodeMaps(maps);
  const bytes = new Uint8Array(states.length + mapped.length);
  bytes.set(states);
  bytes.set(mapped, states.length);
  const commit = {
    tailSector,
    stateBytes: state.length,
    stateSectors: states.length / SECTOR_BYTES,
    mapSectors: mapped.length / SECTOR_BYTES,
    headChecksum: checksum(head),
    stateChecksum: checksum(states),
    mapChecksum: checksum(mapped),
  };
  return { bytes, commit };
}

/** Of the sectors from `tailSector` on. */
export function decodeTail(
  { head, commit }: Pick<Opened, "head" | "commit">,
  runs: readonly ContentRun[],
): Checked<Tail> {
  const bytes = bytesOf(runs);
  const stateEnd = commit.stateSectors * SECTOR_BYTES;
  if (bytes.length !== tailSectors(commit) * SECTOR_BYTES) {
    return bad("truncated", "device state and maps are cut off");
  }
  const stateWhole = bytes.subarray(0, stateEnd);
  if (checksum(stateWhole) !== commit.stateChecksum || commit.stateBytes > stateEnd) {
    return bad("damaged", "the device state has another checksum");
  }
  const mapBytes = bytes.subarray(stateEnd);
  if (checksum(mapBytes) !== commit.mapChecksum) return bad("damaged", "its maps are damaged");
  const maps = decodeMaps(mapBytes, DATA_SECTOR, blocksOf(head));
  if (!maps.ok) return maps;
  const last = maps.value.storageBlocks.at(-1);
  const end = last === undefined ? DATA_SECTOR : last.sector + last.sectors;
  if (end !== commit.tailSector) return bad("damaged", "its maps end elsewhere");
  if (head.base === null && missing(maps.value)) return bad("damaged", "blocks are in no map");
  return sound({ state: stateWhole.slice(0, commit.stateBytes), maps: maps.value });
}

function missing(maps: Maps): boolean {
  for (let block = 0; block < maps.blocks; block++) if (maps.storageOf(block) < 0) return true;
  return false;
}
