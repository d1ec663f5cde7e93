// Writes a cpio archive in the "newc" format, which Linux unpacks as its first root file system (Linux,
// Documentation/driver-api/early-userspace/buffer-format.rst). Nothing of the machine it is written on gets into it.

export type ArchiveEntry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly bytes: Uint8Array;
      readonly run: boolean;
    }
  | {
      readonly kind: "device";
      readonly path: string;
      readonly major: number;
      readonly minor: number;
    };

const FOLDER = 0o040755;
const FILE = 0o100644;
const PROGRAM = 0o100755;
const DEVICE = 0o020600;
const LINK = 0o120777;
const LAST = "TRAILER!!!";

function modeOf(entry: ArchiveEntry): number {
  if (entry.kind === "folder") return FOLDER;
  if (entry.kind === "link") return LINK;
  if (entry.kind === "device") return DEVICE;
  return entry.run ? PROGRAM : FILE;
}

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

interface Record {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly device: readonly [number, number];
}

function recordBytes({ path, mode, bytes, device }: Record, inode: number): Buffer {
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, ...device, path.length + 1, 0];
  const header = "070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return Buffer.concat([padded(Buffer.from(`${header}${path}\0`)), padded(Buffer.from(bytes))]);
}

const NOTHING = new Uint8Array(0);

function contentOf(entry: ArchiveEntry): Uint8Array {
  if (entry.kind === "link") return Buffer.from(entry.target);
  return entry.kind === "file" ? entry.bytes : NOTHING;
}

export function writeArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const records = entries.map((entry): Record => ({
    path: entry.path,
    mode: modeOf(entry),
    bytes: contentOf(entry),
    device: entry.kind === "device" ? [entry.major, entry.minor] : [0, 0],
  }));
  const last: Record = { path: LAST, mode: 0, bytes: NOTHING, device: [0, 0] };
  return Buffer.concat([
    ...records.map((record, i) => recordBytes(record, i + 1)),
    recordBytes(last, 0),
  ]);
}
