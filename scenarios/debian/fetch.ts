// Fetches Debian's riscv64 kernel and busybox with apt, and makes of them what a machine boots: the kernel's Image, and a
// first root file system with the modules of the devices. `npx tsx scenarios/debian/fetch.ts` does it by hand.

import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Apt, have, Missing } from "./apt.ts";
import { writeArchive } from "./archive.ts";
import {
  debianFolder,
  type DebianFiles,
  type FetchedFile,
  type FetchedList,
  LIST,
  LIST_VERSION,
  readDebian,
  sha256,
} from "./fetched.ts";
import { initialFiles, moduleFiles } from "./initial-files.ts";

export type FetchResult =
  | { readonly ok: true; readonly debian: DebianFiles }
  /** Something the environment lacks (apt, the network): one line. */
  | { readonly ok: false; readonly missing: string };

/** Tools that can strip debug information from modules of another architecture, in order of preference. */
const STRIPPERS = ["riscv64-linux-gnu-strip", "riscv64-unknown-elf-strip", "llvm-strip"] as const;

function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What a module is loaded without: debug information, names that no relocation needs, type tables. */
const STRIPPED = "--strip-unneeded -R .comment -R .BTF -R .BTF.base".split(" ");

/** Modules as plain ELF files: a guest would spend ten times as long on compressed ones with debug information. */
function readModules(unpacked: string, folder: string): Map<string, Uint8Array> {
  if (!have("xz")) throw new Missing("xz is not installed (package xz-utils)");
  const stripper = STRIPPERS.find(have);
  const found = new Map(
    filesBelow(join(unpacked, "usr/lib/modules"), ".ko.xz").map((path) => [
      basename(path, ".ko.xz"),
      path,
    ]),
  );
  const modules = new Map<string, Uint8Array>();
  for (const name of moduleFiles()) {
    const path = found.get(name);
    if (path === undefined) throw new Missing(`the kernel package has no module ${name}`);
    const plain = join(folder, `${name}.ko`);
    writeFileSync(plain, execFileSync("xz", ["-dc", path], { maxBuffer: 2 ** 28 }));
    if (stripper !== undefined) execFileSync(stripper, [...STRIPPED, plain]);
    modules.set(name, readFileSync(plain));
  }
  return modules;
}

function make(folder: string): FetchedList {
  const work = mkdtempSync(join(folder, "work-"));
  try {
    const apt = new Apt(join(folder, "apt"));
    const kernelPackage = apt.dependencyOf("linux-image-riscv64", /^linux-image-\d/);
    const packages = [kernelPackage, "busybox-static"];
    const [kernel, busybox] = packages.map((name) => apt.unpack(name)) as [string, string];
    const image = filesBelow(join(kernel, "boot"), "").find((path) => /\/vmlinu[xz]-/.test(path));
    if (image === undefined) throw new Missing(`${kernelPackage} holds no kernel`);
    const program = readFileSync(join(busybox, "usr/bin/busybox"));
    const archive = writeArchive(initialFiles(program, readModules(kernel, work)));
    const keep = (file: string, bytes: Uint8Array): FetchedFile => {
      writeFileSync(join(work, file), bytes);
      renameSync(join(work, file), join(folder, file));
      return { file, sha256: sha256(bytes) };
    };
    const list: FetchedList = {
      version: LIST_VERSION,
      packages: packages.map((name) => apt.versionOf(name)),
      kernel: keep("kernel", readFileSync(image)),
      initrd: keep("initrd.cpio", archive),
    };
    rmSync(join(folder, "apt"), { recursive: true });
    return list;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** What is in the cache, fetched first where nothing is. */
export function fetchDebian(folder: string = debianFolder()): FetchResult {
  const cached = readDebian(folder);
  if (cached !== null) return { ok: true, debian: cached };
  try {
    mkdirSync(folder, { recursive: true });
    const list = make(folder);
    writeFileSync(join(folder, LIST), `${JSON.stringify(list, null, 2)}\n`);
  } catch (thrown) {
    if (thrown instanceof Missing) return { ok: false, missing: thrown.message };
    throw thrown;
  }
  const fetched = readDebian(folder);
  if (fetched === null) return { ok: false, missing: `what was fetched into ${folder} is damaged` };
  return { ok: true, debian: fetched };
}

const MISSING_EXIT = 4;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const result = fetchDebian();
  if (result.ok) console.log(`${debianFolder()}: ${result.debian.packages.join(", ")}`);
  else {
    console.error(`Debian for riscv64 cannot be fetched: ${result.missing}`);
    process.exitCode = MISSING_EXIT;
  }
}
