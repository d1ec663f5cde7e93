// The block program drives QEMU's virtio-blk through QEMU's PLIC and UART: what it expects of a device is what devices do,
// not what ours happens to do. The machines have the same devices at the same places.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TestHost } from "./testing/host.ts";
import { powerOn, PROGRAMS } from "./testing/programs.ts";

const BLOCK = PROGRAMS.find(({ name }) => name === "block")!;
const DISK = BLOCK.config.disks[0]!;
const TIMEOUT_MS = 10_000;
const LAST_LINE = /interrupts \d+\n/;

/** What the program prints on QEMU's virt machine, up to its last line. */
async function onQemu(image: string): Promise<string> {
  const elf = new URL("../samples/board/block.elf", import.meta.url).pathname;
  const machine = "-M virt -m 16 -bios none -display none -monitor none -serial stdio".split(" ");
  const modern = ["-global", "virtio-mmio.force-legacy=false"];
  const drive = `file=${image},format=raw,if=none,id=disk,discard=unmap`;
  const device = `virtio-blk-device,drive=disk,serial=${DISK.id},bus=virtio-mmio-bus.0`;
  const options = [...machine, ...modern, "-kernel", elf, "-drive", drive, "-device", device];
  const qemu = spawn("qemu-system-riscv64", options, { timeout: TIMEOUT_MS });
  let text = "";
  for await (const chunk of qemu.stdout) {
    text += String(chunk);
    if (LAST_LINE.test(text) || text.includes("failed")) qemu.kill("SIGKILL");
  }
  return text;
}

const haveQemu = spawnSync("qemu-system-riscv64", ["--version"]).status === 0;

describe.skipIf(!haveQemu)("on QEMU's virt machine (needs qemu-system-misc)", () => {
  test("the block program prints the same", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rv64-virt-"));
    try {
      const image = join(folder, "disk");
      writeFileSync(image, new Uint8Array(DISK.sectors * 512));
      const board = powerOn("compiled", BLOCK);
      const host = new TestHost(board, [], 1000);
      host.drive(board, 1_000_000, 10_000_000);
      expect(host.console).toMatch(LAST_LINE);
      expect(await onQemu(image)).toBe(host.console);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
