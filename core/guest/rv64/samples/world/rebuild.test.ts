// The committed programs for simulated worlds are what their sources give.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const FOLDER = new URL("./", import.meta.url);
const noCompiler = spawnSync("riscv64-unknown-elf-gcc", ["--version"]).status !== 0;

test.skipIf(noCompiler)("programs for worlds rebuild (needs gcc-riscv64-unknown-elf)", () => {
  const out = mkdtempSync(join(tmpdir(), "rv64-world-"));
  try {
    execFileSync("sh", [new URL("build.sh", FOLDER).pathname, out]);
    for (const name of ["grower", "ledger", "patterns", "scattered", "spinner", "talk", "worker"]) {
      const built = readFileSync(join(out, `${name}.elf`));
      expect(built.equals(readFileSync(new URL(`${name}.elf`, FOLDER))), name).toBe(true);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});
