// Builds the compiled engine: generates the loop, runs the AssemblyScript compiler, and leaves rv64.wasm with a stamp of
// its sources in build/. Does nothing when the stamp is current. Run as `npm run build:rv64 [-- --force]`.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { main as compile } from "assemblyscript/asc";
import { interpreterLoop, operationNumbers } from "./generate.ts";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const BUILD = join(FOLDER, "build");
const STAMP = join(BUILD, "rv64.stamp");
const MODULE = join(BUILD, "rv64.wasm");
const OPCODES = join(BUILD, "opcodes.ts");
const INTERPRETER = join(BUILD, "interpreter.ts");

const OPTIONS = [
  "-O3",
  "--noAssert",
  "--runtime",
  "stub",
  "--importMemory",
  "--initialMemory",
  "32",
  "--maximumMemory",
  "65536",
  "--memoryBase",
  "81920",
];

function sources(): readonly string[] {
  const own = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(BUILD))
    .map((entry) => join(entry.parentPath, entry.name));
  const shared = ["layout.ts", "architecture.ts"].map((name) => join(FOLDER, "..", name));
  return [...own, ...shared].sort();
}

/** Hash of every source and of the options. */
function stampOfSources(): string {
  const hash = createHash("sha256").update(JSON.stringify(OPTIONS));
  for (const file of sources()) {
    hash.update(`\n${relative(FOLDER, file).replaceAll("\\", "/")}\n`).update(readFileSync(file));
  }
  return `${hash.digest("hex")}\n`;
}

/** All that is built is there, and of these sources. */
function isCurrent(stamp: string): boolean {
  if (![STAMP, MODULE, OPCODES, INTERPRETER].every((file) => existsSync(file))) return false;
  return readFileSync(STAMP, "utf8") === stamp;
}

async function build(): Promise<void> {
  const stamp = stampOfSources();
  if (isCurrent(stamp) && !process.argv.includes("--force")) return;
  mkdirSync(BUILD, { recursive: true });
  const frame = readFileSync(join(FOLDER, "interpreter.frame.txt"), "utf8");
  writeFileSync(OPCODES, operationNumbers());
  writeFileSync(INTERPRETER, interpreterLoop(frame));
  const fresh = `${MODULE}.${process.pid}`;
  const args = ["index.ts", "--baseDir", FOLDER, "-o", relative(FOLDER, fresh), ...OPTIONS];
  const result = await compile(args, { stdout: process.stdout, stderr: process.stderr });
  if (result.error !== null) throw result.error;
  renameSync(fresh, MODULE);
  writeFileSync(STAMP, stamp);
}

await build();
