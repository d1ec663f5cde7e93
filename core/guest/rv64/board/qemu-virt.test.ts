// Programs of ours on QEMU's virt machine, whose devices stand at the same places: the block program drives QEMU's
// virtio-blk through QEMU's PLIC and UART, and the one that makes SBI calls gets OpenSBI's answers. What they print is the
// same: they expect what devices and firmware do, not what ours happen to do.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TestHost } from "./testing/host.ts";
import { powerOn, type Program, PROGRAMS } from "./testing/programs.ts";

const TIMEOUT_MS = 20_000;
const program = (name: string): Program => PROGRAMS.find((candidate) => candidate.name === name)!;

/** What a program prints on QEMU's virt machine, up to its last line. */
async function onQemu(name: string, options: readonly string[], last: RegExp): Promise<string> {
  const elf = new URL(`../samples/board/${name}.elf`, import.meta.url).pathname;
  const machine = "-M virt -m 32 -display none -monitor none -serial stdio".split(" ");
  const qemu = spawn("qemu-system-riscv64", [...machine, "-kernel", elf, ...options], {
    timeout: TIMEOUT_MS,
  });
  let text = "";
  for await (const chunk of qemu.stdout) {
    text += String(chunk);
    if (last.test(text) || text.includes("failed")) qemu.kill("SIGKILL");
  }
  return text;
}

function onBoard(name: string): string {
  const board = powerOn("compiled", program(name));
  const host = new TestHost(board, [], 1000);
  host.drive(board, 1_000_000, 10_000_000);
  return host.console;
}

const haveQemu = spawnSync("qemu-system-riscv64", ["--version"]).status === 0;

describe.skipIf(!haveQemu)("on QEMU's virt machine (needs qemu-system-misc)", () => {
  test("the block program prints the same", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rv64-virt-"));
    try {
      const { id, sectors } = program("block").config.disks[0]!;
      const image = join(folder, "disk");
      writeFileSync(image, new Uint8Array(sectors * 512));
      const modern = ["-bios", "none", "-global", "virtio-mmio.force-legacy=false"];
      const drive = `file=${image},format=raw,if=none,id=disk,discard=unmap`;
      const device = `virtio-blk-device,drive=disk,serial=${id},bus=virtio-mmio-bus.0`;
      const last = /interrupts \d+\n/;
      const options = [...modern, "-drive", drive, "-device", device];
      const printed = onBoard("block");
      expect(printed).toMatch(last);
      expect(await onQemu("block", options, last)).toBe(printed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("SBI calls get the answers of OpenSBI", async () => {
    const printed = onBoard("calls");
    expect(printed).toMatch(/^exists 1\n[^]*end\n$/);
    const text = await onQemu("calls", ["-smp", "2"], /\nend\n/);
    // Behind the firmware's own banner.
    expect(text.slice(text.indexOf("exists")).replaceAll("\r", "").split("\n")).toEqual(
      printed.split("\n"),
    );
  });
});
