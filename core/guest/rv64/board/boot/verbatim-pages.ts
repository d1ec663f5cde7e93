// Which pages of a machine's RAM are, at power-on, whole pages of the files that it boots. Must hold: each lies at a
// multiple of the page size in its file, too, so that it is found again among the pages of the file.

import { type ElfSegment, readElf } from "../../elf.ts";
import * as layout from "../../layout.ts";
import type { BoardConfig } from "../config.ts";
import { isProblem, placeLinux } from "./linux.ts";
import type { BootFiles } from "./load.ts";

const { PAGE_BYTES, RAM_BASE } = layout;

/** A range of a file and its offset in RAM. */
interface Placed {
  readonly offset: number;
  readonly file: Uint8Array;
  readonly bytes: Uint8Array;
}

/** By number of the page; nothing at all where the files cannot be booted. */
export function* verbatimPages(
  config: BoardConfig,
  files: BootFiles,
): Generator<readonly [number, Uint8Array]> {
  for (const { offset, file, bytes } of placedFiles(config, files)) {
    const inFile = bytes.byteOffset - file.byteOffset;
    if ((offset - inFile) % PAGE_BYTES !== 0) continue;
    const first = Math.ceil(offset / PAGE_BYTES) * PAGE_BYTES - offset;
    for (let at = first; at + PAGE_BYTES <= bytes.length; at += PAGE_BYTES) {
      yield [(offset + at) / PAGE_BYTES, bytes.subarray(at, at + PAGE_BYTES)];
    }
  }
}

/** The later one of two then hides a part of the other. */
function overlap(segments: readonly ElfSegment[]): boolean {
  const sorted = [...segments].sort((a, b) => (a.address < b.address ? -1 : 1));
  const end = ({ address, memoryBytes }: ElfSegment): bigint => address + BigInt(memoryBytes);
  return sorted.some((segment, i) => i > 0 && segment.address < end(sorted[i - 1]!));
}

function placedFiles({ boot, memoryMiB }: BoardConfig, files: BootFiles): Placed[] {
  if (boot.kind === "elf") {
    const file = files.get(boot.file);
    const read = file && readElf(file);
    if (file === undefined || read?.ok !== true || overlap(read.elf.segments)) return [];
    return read.elf.segments.map(({ address, bytes }) => ({
      offset: Number(address) - RAM_BASE,
      file,
      bytes,
    }));
  }
  const kernel = files.get(boot.kernel);
  const initrd = boot.initrd === null ? null : files.get(boot.initrd);
  if (kernel === undefined || initrd === undefined) return [];
  const placed = placeLinux({ kernel, initrd }, memoryMiB * 2 ** 20);
  if (isProblem(placed)) return [];
  const verbatim = [{ offset: placed.kernel, file: kernel, bytes: kernel }];
  if (initrd !== null) verbatim.push({ offset: placed.initrd, file: initrd, bytes: initrd });
  return verbatim;
}
