// What `fetch.ts` leaves in the cache: the kernel, the first root file system, and a list that names them with their hashes.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";

export interface FetchedFile {
  /** In the folder of the list. */
  readonly file: string;
  readonly sha256: string;
}

export interface FetchedList {
  /** Raised when what is made of the packages changes. */
  readonly version: number;
  readonly packages: readonly string[];
  readonly kernel: FetchedFile;
  readonly initrd: FetchedFile;
}

/** Files by their SHA-256, as the machine takes them, and which is which. */
export interface DebianFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly packages: readonly string[];
}

export const LIST_VERSION = 1;
export const LIST = "list.json";

export const debianFolder = (cache: string = cacheFolder()): string =>
  join(cache, "debian-trixie-riscv64");

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** What is in the cache, or null when nothing is, or it is damaged or of an older form. */
export function readDebian(folder: string = debianFolder()): DebianFiles | null {
  try {
    const list = JSON.parse(readFileSync(join(folder, LIST), "utf8")) as FetchedList;
    if (list.version !== LIST_VERSION) return null;
    const files = new Map<string, Uint8Array>();
    for (const { file, sha256: expected } of [list.kernel, list.initrd]) {
      const bytes = readFileSync(join(folder, file));
      if (sha256(bytes) !== expected) return null;
      files.set(expected, bytes);
    }
    const { kernel, initrd, packages } = list;
    return { kernel: kernel.sha256, initrd: initrd.sha256, files, packages };
  } catch {
    return null;
  }
}
