// The archive is what cpio reads; where apt is missing, one line says so and the exit code is 4.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeArchive } from "./archive.ts";
import { cacheFolder } from "./cache-folder.ts";
import { commandLine } from "./command-line.ts";

const haveCpio = spawnSync("cpio", ["--version"]).error === undefined;

test.skipIf(!haveCpio)("cpio reads the archive (needs cpio)", () => {
  const archive = writeArchive([
    { kind: "folder", path: "bin" },
    { kind: "file", path: "bin/tool", bytes: Buffer.from("content"), run: true },
    { kind: "link", path: "bin/link", target: "tool" },
  ]);
  const listed = spawnSync("cpio", ["-itv", "--quiet"], { input: archive });
  const lines = listed.stdout.toString().trim().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^drwxr-xr-x .* bin$/);
  expect(lines[1]).toMatch(/^-rwxr-xr-x .* 7 .* bin\/tool$/);
  expect(lines[2]).toMatch(/^lrwxrwxrwx .* bin\/link -> tool$/);
});

test("without apt the script says so and exits with 4", () => {
  const folder = mkdtempSync(join(tmpdir(), "orrery-fetch-"));
  try {
    const script = new URL("./fetch.ts", import.meta.url).pathname;
    const run = spawnSync(process.execPath, ["--import", "tsx", script], {
      env: { HOME: folder, ORRERY_CACHE: folder, PATH: "/nowhere" },
    });
    expect(run.stderr.toString()).toMatch(/^Debian for riscv64 cannot be fetched: apt-get .*\n$/);
    expect(run.status).toBe(4);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the cache lies where the environment says", () => {
  expect(cacheFolder({ ORRERY_CACHE: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a");
  expect(cacheFolder({ XDG_CACHE_HOME: "/b" })).toBe("/b/orrery");
  expect(cacheFolder({})).toMatch(/\.cache\/orrery$/);
});

test("modules come with what they need, once", () => {
  const ext4 = "crc16,crc32c_generic,mbcache,jbd2,ext4";
  const net = "failover,net_failover,virtio_net";
  const line = commandLine(["ext4", "virtio_blk", "virtio_net"]);
  expect(line).toContain(` MODULES=${ext4},virtio_mmio,virtio_blk,${net}`);
});
